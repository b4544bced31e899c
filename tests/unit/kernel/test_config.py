"""Settings: read once, refused early, never with a working default for a secret."""

from pathlib import Path

import pytest

from kernel.config import ConfigError, load

SECRET = "0123456789abcdefghijklmnopqrstuvwxyz"
ENVIRON = {
    "MIZAN_DATABASE_URL": "postgresql://db/mizan",
    "MIZAN_REDIS_URL": "redis://redis/0",
    "MIZAN_PUBLIC_URL": "https://pay.example/",
    "MIZAN_SECRET_KEY": SECRET,
}
PRODUCTION = """
environment = "production"
[wallets.one]
adapter = "gsma"
base_url = "${OPERATOR_URL}"
names = { ar = "محفظة" }
currencies = ["JOD"]
countries = ["JO"]
poll_schedule_s = [90, 600]
"""


def settings(tmp_path: Path, text: str = PRODUCTION, **changes: str) -> dict[str, str]:
    file = tmp_path / "mizan.toml"
    file.write_text(text, encoding="utf-8")
    url = "https://operator.example/mm"
    return {**ENVIRON, "MIZAN_CONFIG": str(file), "OPERATOR_URL": url, **changes}


def test_a_file_and_the_environment_make_the_settings(tmp_path: Path) -> None:
    config = load(settings(tmp_path))
    assert config.wallets["one"].base_url == "https://operator.example/mm"
    assert list(config.wallets["one"].poll_schedule_s) == [90.0, 600.0]
    assert config.public_url == "https://pay.example"
    assert not config.is_sandbox


@pytest.mark.parametrize("name", sorted(ENVIRON))
def test_a_missing_variable_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=name):
        load(settings(tmp_path, **{name: ""}))


@pytest.mark.parametrize("weak", ["short", "a" * 64])
def test_a_weak_secret_refuses_to_start(tmp_path: Path, weak: str) -> None:
    with pytest.raises(ConfigError, match="MIZAN_SECRET_KEY"):
        load(settings(tmp_path, MIZAN_SECRET_KEY=weak))


def test_the_zone_of_the_console_is_a_setting(tmp_path: Path) -> None:
    assert load(settings(tmp_path)).zone == "Asia/Amman"
    assert load(settings(tmp_path, 'zone = "Asia/Beirut"' + PRODUCTION)).zone == "Asia/Beirut"
    for wrong in ("Asia/Nowhere", "", "../etc/passwd"):
        with pytest.raises(ConfigError, match="time zone"):
            load(settings(tmp_path, f'zone = "{wrong}"' + PRODUCTION))


def test_a_token_is_never_asked_for_over_plain_http(tmp_path: Path) -> None:
    plain = PRODUCTION + 'token_path = "http://operator.example/token"\n'
    with pytest.raises(ConfigError, match="token_path"):
        load(settings(tmp_path, plain))
    for fine in ("/token", "https://login.operator.example/token"):
        path = load(settings(tmp_path, PRODUCTION + f'token_path = "{fine}"\n'))
        assert path.wallets["one"].token_path == fine


def test_a_plain_http_operator_refuses_to_start_outside_the_sandbox(tmp_path: Path) -> None:
    environ = settings(tmp_path, OPERATOR_URL="http://operator.example")
    with pytest.raises(ConfigError, match="https"):
        load(environ)
    sandbox = PRODUCTION.replace("production", "sandbox")
    assert load(settings(tmp_path, sandbox, OPERATOR_URL="http://127.0.0.1:1")).is_sandbox


def test_trusting_every_proxy_refuses_to_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="trusted_proxies"):
        load(settings(tmp_path, 'trusted_proxies = ["*"]\n' + PRODUCTION))


@pytest.mark.parametrize("door", ["ussd.one", "sms.one"])
@pytest.mark.parametrize("secret", ["", "short", "0000000000000000", "121212121212121212121212"])
def test_a_door_without_a_secret_refuses_to_start_outside_the_sandbox(
    tmp_path: Path, door: str, secret: str
) -> None:
    what = (
        "dialect = 'x'\nshort_code = '*1#'" if door == "ussd.one" else "carrier = 'x'\nsender = 'y'"
    )
    section = f"[{door}]\n{what}\nsecret = '{secret}'\n"
    with pytest.raises(ConfigError, match=rf"{door}\.secret"):
        load(settings(tmp_path, PRODUCTION + section))
    sandbox = PRODUCTION.replace("production", "sandbox")
    assert load(settings(tmp_path, sandbox + section)).is_sandbox
    long = section.replace(f"'{secret}'", f"'{SECRET}'")
    assert not load(settings(tmp_path, PRODUCTION + long)).is_sandbox


@pytest.mark.parametrize(
    "auth",
    [
        f'basic = "mizan:{SECRET}"',
        f'token = "{SECRET}"',
        f'hmac_secret = "{SECRET}"',
        f'query = {{ userid = "mizan", password = "{SECRET}" }}',
        'rsa_public_key = "-----BEGIN PUBLIC KEY-----"',
    ],
)
def test_a_channel_that_asks_for_a_password_or_a_signature_needs_no_secret_path(
    tmp_path: Path, auth: str
) -> None:
    section = f"[ussd.one]\ndialect = 'x'\nshort_code = '*1#'\n[ussd.one.auth]\n{auth}\n"
    config = load(settings(tmp_path, PRODUCTION + section))
    assert config.channels["one"].auth.token_header == "authorization"
    assert SECRET not in repr(config)


@pytest.mark.parametrize(
    "auth",
    [
        'basic = "a-user-with-a-long-name:short"',
        'token = "short"',
        'token = "aaaaaaaaaaaaaaaaaaaaaaaa"',
        'query = { userid = "mizan-collections-jordan", password = "short" }',
        f'query = {{ shortcode = "{SECRET}" }}',
        'allow_from = ["192.0.2.0/24"]',
    ],
)
def test_an_address_or_a_short_word_is_not_enough_outside_the_sandbox(
    tmp_path: Path, auth: str
) -> None:
    section = f"[ussd.one]\ndialect = 'x'\nshort_code = '*1#'\n[ussd.one.auth]\n{auth}\n"
    with pytest.raises(ConfigError, match=r"ussd\.one\.secret"):
        load(settings(tmp_path, PRODUCTION + section))


def test_a_misspelt_question_to_a_caller_is_named(tmp_path: Path) -> None:
    section = "[ussd.one]\ndialect = 'x'\nshort_code = '*1#'\n[ussd.one.auth]\nbasik = 'a:b'\n"
    with pytest.raises(ConfigError, match=r"basik in section one\.auth"):
        load(settings(tmp_path, PRODUCTION + section))


def test_a_misspelt_setting_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="base_ulr"):
        load(settings(tmp_path, PRODUCTION.replace("base_url", "base_ulr")))


def test_a_call_may_not_outlive_its_lease(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="work_lease_s"):
        load(settings(tmp_path, "work_lease_s = 5\n" + PRODUCTION))


def test_handing_over_a_message_may_not_outlive_its_lease_either(tmp_path: Path) -> None:
    slow = '[sms.one]\ncarrier = "twilio"\nsender = "Mizan"\ntimeout_s = 40'
    with pytest.raises(ConfigError, match="work_lease_s"):
        load(settings(tmp_path, PRODUCTION + slow))


def test_printing_the_settings_tells_no_secret(tmp_path: Path) -> None:
    sections = """
    [ussd.one]
    dialect = "x"
    short_code = "*1#"
    secret = "not-for-print-0001"
    [sms.one]
    carrier = "x"
    sender = "y"
    secret = "not-for-print-0002"
    auth_token = "not-for-print-0003"
    """
    text = PRODUCTION + 'client_secret = "not-for-print-0004"\n' + sections
    urls = {
        "MIZAN_DATABASE_URL": "postgresql://mizan:not-for-print@db/mizan",
        "MIZAN_REDIS_URL": "redis://:not-for-print@redis/0",
    }
    shown = repr(load(settings(tmp_path, text, **urls)))
    assert "operator.example" in shown
    assert "not-for-print" not in shown
    assert SECRET not in shown


def test_an_unreadable_file_says_which(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"mizan\.toml"):
        load(settings(tmp_path, "environment = ["))
