"use strict";
const frames = [...document.querySelectorAll("section.frame")];
const sliders = document.querySelectorAll(".compare input");
const picker = document.querySelector(".picker");

/* How much of the blurry frame is seen, in percent; all frames share it, so that it stays while one steps through. */
function cut(percent) {
  document.documentElement.style.setProperty("--cut", `${percent}%`);
  for (const slider of sliders) {
    slider.value = percent;
    slider.setAttribute("aria-valuetext", `${Math.round(percent)} % blurry, the rest restored`);
  }
}

function show(place) {
  const shown = Math.min(Math.max(place, 0), frames.length - 1);
  const [previous, next] = picker.querySelectorAll("button");
  const range = picker.querySelector("input");
  const label = `${frames[shown].querySelector("h3").textContent} (${shown + 1} of ${frames.length})`;
  frames.forEach((frame, k) => frame.classList.toggle("shown", k === shown));
  range.value = shown;
  range.setAttribute("aria-valuetext", label);
  picker.querySelector("output").textContent = label;
  previous.setAttribute("aria-disabled", shown === 0);
  next.setAttribute("aria-disabled", shown === frames.length - 1);
}

if (picker && frames.length) {
  const [previous, next] = picker.querySelectorAll("button");
  const range = picker.querySelector("input");
  const step = (by) => show(Number(range.value) + by);
  range.max = frames.length - 1;
  range.addEventListener("input", () => step(0));
  previous.addEventListener("click", () => step(-1));
  next.addEventListener("click", () => step(1));
  document.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const taken = event.target.matches("input") || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey;
    if (by && !taken) step(by);
  });
  for (const slider of sliders) slider.addEventListener("input", () => cut(slider.value));
  picker.hidden = frames.length < 2;
  cut(50);
  show(0);
}
