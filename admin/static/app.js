// Everything here only makes a working page quicker: without JavaScript the same buttons load the page anew.
"use strict";

// A button with data-swap sends its form in the background and takes over that one part of the answer.
document.addEventListener("click", async (event) => {
  const button = event.target instanceof Element ? event.target.closest("button[data-swap]") : null;
  if (!button || !button.form) return;
  event.preventDefault();
  const place = button.dataset.swap;
  const form = new FormData(button.form);
  form.set(button.name, button.value);
  const input = () => document.querySelector(`${place} input:not([type=hidden])`);
  try {
    button.disabled = true;
    const answer = await fetch(button.form.action, { method: "POST", body: new URLSearchParams(form), headers: { accept: "text/html" } });
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector(place);
    if (!fresh) throw new Error("the answer has no such part");
    document.querySelector(place).replaceWith(document.importNode(fresh, true));
    input().focus();
  } catch {
    location.assign(button.form.action);
  }
});

// A file that is too large is named before it is sent.
document.addEventListener("change", (event) => {
  const input = event.target;
  if (!(input instanceof HTMLInputElement) || !input.dataset.mostBytes) return;
  const most = Number(input.dataset.mostBytes);
  const large = input.files.length > 0 && input.files[0].size > most;
  input.setCustomValidity(large ? `This file is larger than ${most / 1000000} MB.` : "");
  if (large) input.reportValidity();
});
document.addEventListener("submit", (event) => {
  const wrong = [...event.target.querySelectorAll("input[type=file]")].find((input) => input.validity.customError);
  if (!wrong) return;
  event.preventDefault();
  wrong.reportValidity();
});
