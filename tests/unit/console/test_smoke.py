from tests.unit.console.conftest import Visitor
from tests.unit.console.story import Story


async def test_all(finance: Visitor, story: Story):
    await story.collected()
    p = await story.late()
    for path in (
        "/",
        "/payments",
        f"/payments/{p}",
        "/late-money",
        "/messages",
        "/work",
        "/journal",
        "/accounts",
        "/trial-balance",
        "/password",
        "/payments.csv",
        "/trial-balance.csv",
    ):
        a = await finance.get(path)
        print(path, a.status_code, len(a.text))
        assert a.status_code == 200, path
