// What the pages do beside being read: they fetch themselves again and take over what has
// changed, ask before they change something without leaving the page, and know some keys.
"use strict";
(() => {
  const EVERY = 5000;
  const main = document.getElementById("main");
  const byID = (id) => document.getElementById(id);
  const store = {
    get: (name) => { try { return localStorage.getItem("drayhorse-" + name); } catch { return null; } },
    set: (name, value) => { try { localStorage.setItem("drayhorse-" + name, value); } catch { /* it lasts as long as the page */ } },
  };

  // What was done is said once: neither reloading nor refreshing says it again.
  const address = new URL(location.href);
  if (address.searchParams.has("done")) {
    address.searchParams.delete("done");
    history.replaceState(null, "", address);
  }

  // fetchPage gives a page as a document. XMLHttpRequest parses it without running
  // anything, and without text that becomes HTML here.
  function fetchPage(url) {
    return new Promise((resolve, reject) => {
      const r = new XMLHttpRequest();
      r.open("GET", url);
      r.setRequestHeader("X-Drayhorse-Live", "1"); // nobody asked for it: it keeps no session
      r.responseType = "document";
      r.timeout = 15000;
      r.onload = () => (r.response ? resolve({ page: r.response, ok: r.status === 200 }) : reject(new Error("no page")));
      r.onerror = r.ontimeout = () => reject(new Error("no answer"));
      r.send();
    });
  }

  // Live updates.
  const live = byID("live"), refresh = byID("refresh"), held = byID("held");
  let on = store.get("live") !== "off";
  let touched = 0; // when
  let pointed = false; // the mouse is over the region

  // isHeld: whoever points at something, has the focus in it, has chosen or marked
  // something or is being asked, finds it where it is.
  function isHeld() {
    const region = main.querySelector(".live");
    if (!region) return true;
    if (document.querySelector("dialog[open]")) return true;
    if (pointed) return true;
    if (Date.now() - touched < 4000) return true;
    if (region.contains(document.activeElement)) return true;
    if (region.querySelector("input[type=checkbox]:checked")) return true;
    const selection = getSelection();
    return !selection.isCollapsed && region.contains(selection.anchorNode);
  }
  document.addEventListener("pointermove", (event) => { pointed = event.pointerType === "mouse" && !!event.target.closest(".live"); }, { passive: true });
  document.documentElement.addEventListener("mouseleave", () => { pointed = false; });
  document.addEventListener("touchstart", () => { touched = Date.now(); }, { passive: true });

  function take(page) {
    const old = main.querySelector(".live"), fresh = page.querySelector("main .live");
    if (!old || !fresh || old.id !== fresh.id) return false;
    const open = [...old.querySelectorAll("details")].map((d) => d.open);
    const next = document.importNode(fresh, true);
    const details = [...next.querySelectorAll("details")];
    if (details.length === open.length) details.forEach((d, i) => { d.open = open[i]; });
    old.replaceWith(next);
    prepare(next);
    return true;
  }

  function state(name, text) {
    live.dataset.state = name;
    live.querySelector("span").textContent = text;
    live.setAttribute("aria-pressed", String(on));
  }

  let waiting = null; // a page that came while it was held
  async function update() {
    if (!on || document.hidden) return;
    if (isHeld()) { held.hidden = false; return; }
    held.hidden = true;
    try {
      const { page, ok } = await fetchPage(location.href);
      if (page.getElementById("login")) { location.reload(); return; }
      if (!ok) { state("bad", "No answer"); return; }
      if (isHeld()) { waiting = page; held.hidden = false; return; }
      take(page);
      state("on", "Live");
    } catch { state("bad", "No answer"); }
  }
  // What waited is taken over as soon as nobody points at it any more.
  setInterval(() => {
    if (!on || held.hidden || isHeld()) return;
    held.hidden = true;
    if (waiting) { take(waiting); waiting = null; } else update();
  }, 500);
  setInterval(update, EVERY);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) update(); });

  if (main.querySelector(".live")) {
    live.hidden = false;
    refresh.hidden = true;
    state(on ? "on" : "off", on ? "Live" : "Paused");
    live.addEventListener("click", toggleLive);
  }
  function toggleLive() {
    on = !on;
    store.set("live", on ? "on" : "off");
    state(on ? "on" : "off", on ? "Live" : "Paused");
    if (on) update(); else held.hidden = true;
  }

  // The theme.
  const theme = byID("theme");
  const themes = ["auto", "light", "dark"];
  function showTheme() {
    const chosen = document.documentElement.dataset.theme || "auto";
    theme.textContent = { auto: "Auto", light: "Light", dark: "Dark" }[chosen];
    theme.setAttribute("aria-label", "Theme: " + theme.textContent);
  }
  function nextTheme() {
    const next = themes[(themes.indexOf(document.documentElement.dataset.theme || "auto") + 1) % 3];
    if (next === "auto") delete document.documentElement.dataset.theme; else document.documentElement.dataset.theme = next;
    store.set("theme", next);
    showTheme();
  }
  theme.hidden = false;
  theme.addEventListener("click", nextTheme);
  showTheme();

  // Questions are asked in a dialog: it is the question's own page, without the rest.
  const ask = byID("ask");
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-ask]");
    if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey && event.button === 0) {
      event.preventDefault();
      fetchPage(link.href).then(({ page }) => {
        const question = page.getElementById("question");
        if (!question) { location.href = link.href; return; }
        ask.replaceChildren(document.importNode(question, true));
        ask.showModal();
        (ask.querySelector("input:not([type=hidden])") || ask.querySelector("[data-close]")).focus();
      }, () => { location.href = link.href; });
      return;
    }
    if (event.target.closest("dialog [data-close]")) {
      event.preventDefault();
      ask.close();
    }
    if (event.target === ask || event.target === keys) event.target.close(); // beside it
  });

  // Choosing jobs.
  function prepare(root) {
    const all = root.querySelector("#tick-all");
    if (!all) return;
    if (!all.hidden) { all.form.dispatchEvent(new Event("change")); return; } // it was prepared before
    const boxes = () => [...all.form.querySelectorAll("input[name=job]")];
    const buttons = [...all.form.querySelectorAll(".chosen button")];
    const said = all.form.querySelector("#chosen");
    function show() {
      const n = boxes().filter((b) => b.checked).length;
      said.textContent = n === 0 ? "Tick jobs to act on them" : n === 1 ? "1 job ticked" : n + " jobs ticked";
      buttons.forEach((b) => { b.disabled = n === 0; });
      all.checked = n > 0 && n === boxes().length;
      all.indeterminate = n > 0 && !all.checked;
    }
    all.hidden = false;
    all.addEventListener("change", () => { boxes().forEach((b) => { b.checked = all.checked; }); show(); });
    all.form.addEventListener("change", show);
    show();
  }
  prepare(document);
  addEventListener("pageshow", () => prepare(document)); // boxes may be ticked still

  // What a filter may become, while it is typed. A later answer counts, whichever comes first.
  const where = byID("f-where");
  let asked = 0;
  function complete() {
    const number = ++asked, r = new XMLHttpRequest();
    r.open("GET", "complete?where=" + encodeURIComponent(where.value));
    r.responseType = "json";
    r.timeout = 5000;
    r.onload = () => {
      if (number !== asked || r.status !== 200 || !Array.isArray(r.response)) return;
      byID("f-completions").replaceChildren(...r.response.map((text) => {
        const option = document.createElement("option");
        option.value = text;
        return option;
      }));
    };
    r.send();
  }
  if (where) {
    where.addEventListener("focus", complete);
    where.addEventListener("input", complete);
  }

  // Keys.
  const keys = byID("keys"), help = byID("help");
  help.hidden = false;
  help.addEventListener("click", () => keys.showModal());
  let before = "", at = 0;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target.closest("input:not([type=checkbox]), select, textarea, dialog")) return;
    const last = Date.now() - at < 1200 ? before : "";
    before = event.key; at = Date.now();
    const pages = { o: "./", q: "queues", j: "jobs", a: "actions", e: "events", w: "workers", f: "flows", i: "limits", s: "schedules", r: "redis" };
    if (last === "g" && pages[event.key]) { location.href = pages[event.key]; return; }
    switch (event.key) {
      case "/": event.preventDefault(); byID("find").focus(); break;
      case "l": if (!live.hidden) toggleLive(); break;
      case "t": nextTheme(); break;
      case "?": keys.showModal(); break;
    }
  });
})();
