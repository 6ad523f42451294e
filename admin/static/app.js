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

// On the photo of a picture that is adjusted, a frame can be drawn; it only fills the fields of the form beside it.
document.documentElement.classList.add("scripted");
const edges = ["left", "top", "right", "bottom"].map((name) => document.getElementById(name));
const photo = document.querySelector("[data-crop]");
if (photo && edges.every(Boolean)) {
  const frame = document.createElement("span");
  frame.className = "frame";
  photo.classList.add("drawn");
  photo.append(frame);
  const draw = () => {
    const [left, top, right, bottom] = edges.map((input) => Number(input.value));
    frame.hidden = left <= 0 && top <= 0 && right >= 100 && bottom >= 100;
    Object.assign(frame.style, { left: `${left}%`, top: `${top}%`, width: `${right - left}%`, height: `${bottom - top}%` });
  };
  const at = (event) => {
    const box = photo.getBoundingClientRect();
    const within = (value, size) => Math.min(100, Math.max(0, (100 * value) / size));
    return [within(event.clientX - box.left, box.width), within(event.clientY - box.top, box.height)];
  };
  let begun = null;
  photo.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    begun = at(event);
    photo.setPointerCapture(event.pointerId);
  });
  photo.addEventListener("pointermove", (event) => {
    if (!begun) return;
    const [x, y] = at(event);
    const found = [Math.min(x, begun[0]), Math.min(y, begun[1]), Math.max(x, begun[0]), Math.max(y, begun[1])];
    if (found[2] - found[0] < 2 || found[3] - found[1] < 2) return;
    found.forEach((value, index) => { edges[index].value = value.toFixed(1); });
    photo.closest("section").querySelector("details").open = true;
    draw();
  });
  const stop = () => { begun = null; };
  photo.addEventListener("pointerup", stop);
  photo.addEventListener("pointercancel", stop);
  edges.forEach((input) => input.addEventListener("input", draw));
  draw();
}
