// What makes the pages quicker to use. Without it everything works by links and forms.
(() => {
  "use strict";
  const root = document.documentElement;
  const all = (selector, where = document) => [...where.querySelectorAll(selector)];
  const stored = (key, value) => {
    try {
      if (value === undefined) return localStorage.getItem(key);
      localStorage.setItem(key, value);
    } catch {
      // storage may be switched off
    }
    return null;
  };

  // --- light and dark ---
  const isDark = () =>
    root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  for (const button of all("[data-theme-toggle]")) {
    const tell = () => button.setAttribute("aria-pressed", String(isDark()));
    tell();
    button.addEventListener("click", () => {
      root.dataset.theme = isDark() ? "light" : "dark";
      stored("jupyterhub-bs-theme", root.dataset.theme);
      tell();
    });
  }

  // --- where one is, in a bar that is wider than a phone ---
  const current = document.querySelector(".bar nav [aria-current]");
  const bar = current?.closest("ul");
  if (bar) {
    const [link, box] = [current.getBoundingClientRect(), bar.getBoundingClientRect()];
    bar.scrollLeft += link.left - box.left - (box.width - link.width) / 2;
  }

  // --- choosing rows ---
  const boxes = all("input[data-choose]");
  const every = document.querySelector("input[data-choose-all]");
  const chosen = document.querySelector("[data-chosen]");
  const tellChosen = () => {
    const number = boxes.filter((box) => box.checked).length;
    if (chosen) chosen.textContent = number ? `${number} chosen` : "none chosen";
    if (every) {
      every.checked = number > 0 && number === boxes.length;
      every.indeterminate = number > 0 && number < boxes.length;
    }
  };
  for (const box of boxes) box.addEventListener("change", tellChosen);
  if (every) {
    every.addEventListener("change", () => {
      for (const box of boxes) box.checked = every.checked;
      tellChosen();
    });
  }
  tellChosen();

  // --- a slider beside a number ---
  for (const field of all("input[data-slider]")) {
    const slider = document.createElement("input");
    slider.type = "range";
    slider.min = field.min;
    slider.max = field.max;
    slider.value = field.value;
    slider.setAttribute("aria-label", `${field.labels[0] ? field.labels[0].textContent.trim() : "Value"} (slider)`);
    slider.addEventListener("input", () => (field.value = slider.value));
    field.addEventListener("input", () => (slider.value = field.value));
    field.before(slider);
  }

  // --- forms are sent once ---
  for (const form of all("form[method=post]")) {
    form.addEventListener("submit", (event) => {
      if (form.dataset.sent) event.preventDefault();
      form.dataset.sent = "yes";
    });
  }
  addEventListener("pageshow", () => all("form[data-sent]").forEach((form) => delete form.dataset.sent));

  // --- keys ---
  const help = document.querySelector("dialog[data-keys]");
  if (!help) return;
  const rows = all("[data-row]");
  const KEYS = "tos-guard-keys";
  const enabled = help.querySelector("input[data-keys-on]");
  enabled.checked = stored(KEYS) !== "off";
  enabled.addEventListener("change", () => stored(KEYS, enabled.checked ? "on" : "off"));
  for (const button of all("[data-open-keys]")) {
    button.hidden = false;
    button.addEventListener("click", () => help.showModal());
  }
  help.querySelector("[data-close]").addEventListener("click", () => help.close());

  const here = () => rows.findIndex((row) => row.contains(document.activeElement));
  const go = (step) => {
    if (!rows.length) return;
    const at = here();
    const next = at < 0 ? (step > 0 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, at + step));
    const row = rows[next];
    (row.querySelector("a[data-open]") || row).focus();
    row.scrollIntoView({ block: "nearest" });
  };
  const act = (name) => {
    const row = rows[here()];
    if (row && !boxes.some((box) => box.checked)) {
      const box = row.querySelector("input[data-choose]");
      if (box) box.checked = true;
      tellChosen();
    }
    const button = document.querySelector(`[data-key-${name}]`);
    if (!button) return;
    const field = button.form && button.form.querySelector("textarea[required]");
    if (field && !field.value.trim() && name === "overturn" && !row) field.focus();
    else button.click();
  };
  addEventListener("keydown", (event) => {
    if (!enabled.checked || help.open || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]")) return;
    const at = here();
    const does = {
      j: () => go(1),
      k: () => go(-1),
      x: () => at >= 0 && rows[at].querySelector("input[data-choose]")?.click(),
      u: () => act("uphold"),
      o: () => act("overturn"),
      n: () => document.querySelector("[data-key-next]")?.click(),
      "?": () => help.showModal(),
    }[event.key];
    if (!does) return;
    event.preventDefault();
    does();
  });
})();
