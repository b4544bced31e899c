// Makes the phone page live: sends forms in the background, looks for news, puts what changed in place.
// Without this file every form still works; nothing is decided here.
"use strict";

const POLL_MS = 1500;
const phone = document.querySelector(".phone");
const entry = () => document.getElementById("entry");
const pin = () => document.getElementById("pin");
const seen = new Map([...document.querySelectorAll("[data-live]")].map((part) => [part.dataset.live, part.innerHTML]));
let busy = 0;

function show(html, { afterPost }) {
  const held = document.activeElement?.id;
  const fresh = new DOMParser().parseFromString(html, "text/html");
  const changed = new Set();
  for (const part of fresh.querySelectorAll("[data-live]")) {
    const name = part.dataset.live;
    const skipped = !afterPost && (name === "notice" || name === "entry"); // what a person is typing stays
    if (skipped || (seen.get(name) === part.innerHTML && name !== "entry")) continue;
    seen.set(name, part.innerHTML);
    document.querySelector(`[data-live="${name}"]`).innerHTML = part.innerHTML;
    changed.add(name);
  }
  const call = document.querySelector(".call"), freshCall = fresh.querySelector(".call");
  if (call && freshCall) call.setAttribute("aria-label", freshCall.getAttribute("aria-label"));
  if (changed.has("screen")) document.querySelector(".screen").scrollTop = 0;
  if (changed.has("prompt") && pin()) pin().focus({ preventScroll: true });
  else if (held && document.activeElement === document.body) document.getElementById(held)?.focus({ preventScroll: true });
  else if (afterPost && phone.contains(afterPost) && !pin() && matchMedia("(pointer: fine)").matches) focusEntry();
  countDown();
}

function focusEntry() {
  const field = entry();
  field.focus({ preventScroll: true });
  field.setSelectionRange(field.value.length, field.value.length);
}

async function post(form, submitter) {
  const body = new URLSearchParams(new FormData(form, submitter));
  const target = submitter?.hasAttribute("formaction") ? submitter.formAction : form.action;
  busy += 1;
  phone.classList.add("busy");
  try {
    const answer = await fetch(target, { method: "POST", body });
    if (new URL(answer.url).pathname !== location.pathname) return location.assign(answer.url);
    show(await answer.text(), { afterPost: form });
    if (form.dataset.clears) form.elements[form.dataset.clears].value = "";
  } finally {
    busy -= 1;
    if (!busy) phone.classList.remove("busy");
  }
}

document.addEventListener("submit", (event) => {
  event.preventDefault();
  if (event.submitter?.name !== "press") {
    post(event.target, event.submitter).catch(() => location.reload());
    return;
  }
  const field = pin() ?? entry();
  const key = event.submitter.value;
  field.value = key === "back" ? field.value.slice(0, -1) : (field.value + key).slice(0, field.maxLength);
});

// While the screen waits, keys go to the entry line wherever the focus is on the phone.
document.addEventListener("keydown", (event) => {
  if (event.target !== document.body || event.ctrlKey || event.metaKey || event.altKey) return;
  if (/^[0-9٠-٩*#]$/.test(event.key) && !pin()) focusEntry();
});

function countDown() {
  const left = document.querySelector(".left");
  if (!left) return;
  const until = Date.parse(left.dataset.until), all = until - Date.parse(left.dataset.from);
  const rest = Math.max(0, until - Date.now());
  const seconds = Math.ceil(rest / 1000);
  left.querySelector("progress").value = rest / all;
  left.querySelector("bdi").textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  left.hidden = false;
}

async function look() {
  if (!document.hidden && !busy) {
    const url = new URL(location.href);
    url.searchParams.delete("say");
    const answer = await fetch(url).catch(() => null); // the operator may be restarting
    if (answer?.ok && !busy) show(await answer.text(), { afterPost: null });
  }
  setTimeout(look, POLL_MS);
}

countDown();
setInterval(countDown, 500);
setTimeout(look, POLL_MS);
