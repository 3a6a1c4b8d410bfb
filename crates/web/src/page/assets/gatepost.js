// What pages do better with scripts. Everything works without: forms post, links lead on.
"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("scripted");
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone && !document.cookie.includes("gatepost_zone=" + zone)) {
    const first = !document.cookie.includes("gatepost_zone=");
    document.cookie = "gatepost_zone=" + zone + ";path=/;max-age=31536000;samesite=lax";
    // Times of this page were written before we knew; once, and not where somebody has begun to type.
    if (first && zone !== "UTC" && document.querySelector("main time") && !document.querySelector("main form[method=post]")) location.reload();
  }

  // Says something to screen readers, once.
  window.gatepostSay = (text) => { const line = document.createElement("p"); line.textContent = text; document.getElementById("live").append(line); };

  // Server-sent events, while the page is seen: a browser has six connections for a server, and every open page would hold one. The
  // first event tells how things stand. Returns what ends it.
  window.gatepostFollow = (path, heard) => {
    let source = null;
    function close() {
      source?.close();
      source = null;
    }
    function fit() {
      if (document.hidden) close();
      else if (!source) {
        source = new EventSource(path);
        for (const [name, hear] of Object.entries(heard)) source.addEventListener(name, hear);
      }
    }
    document.addEventListener("visibilitychange", fit);
    addEventListener("pagehide", close);
    addEventListener("pageshow", fit);
    fit();
    return () => {
      document.removeEventListener("visibilitychange", fit);
      removeEventListener("pagehide", close);
      removeEventListener("pageshow", fit);
      close();
    };
  };

  const all = (selector, work, within = document) => within.querySelectorAll(selector).forEach(work);

  function prepare(within) {
    all("[data-focus]", (el) => el.focus(), within);
    all("[data-pick-all]", (box) => {
      box.hidden = false;
      box.addEventListener("change", () => all("input[name=pick]", (one) => { one.checked = box.checked; one.dispatchEvent(new Event("change", { bubbles: true })); }, box.closest("table")));
    }, within);
  }
  prepare(document);
  document.addEventListener("htmx:after:swap", (event) => prepare(event.target));
  document.addEventListener("gatepost:fresh", (event) => prepare(event.detail));

  // Long work in steps: the next begins by itself, unless somebody leaves or asks to stop.
  all("form[data-go-on]", (form) => {
    const next = setTimeout(() => form.requestSubmit(), 400);
    all("[data-stop]", (link) => link.addEventListener("focus", () => clearTimeout(next)), form);
    all("[data-stop]", (link) => link.addEventListener("pointerenter", () => clearTimeout(next)), form);
  });

  const menu = document.querySelector("[data-menu]"), nav = document.getElementById("nav");
  if (menu && nav) {
    const narrow = matchMedia("(max-width: 760px)");
    const fit = () => { menu.hidden = !narrow.matches; };
    narrow.addEventListener("change", fit);
    fit();
    menu.addEventListener("click", () => menu.setAttribute("aria-expanded", String(nav.classList.toggle("open"))));
  }

  // A list that is walked with j and k, where its reader wants single keys (WCAG 2.1.4): <div data-walk>.
  const walked = document.querySelector("[data-walk]");
  if (walked) document.addEventListener("keydown", (event) => {
    const typing = /^(input|textarea|select)$/i.test(event.target.tagName) && event.target.type !== "checkbox";
    const step = { j: 1, k: -1 }[event.key];
    if (typing || !step || event.ctrlKey || event.metaKey || event.altKey) return;
    const rows = [...walked.querySelectorAll("tbody tr")], here = rows.findIndex((row) => row.contains(document.activeElement));
    const next = rows[here < 0 ? (step > 0 ? 0 : rows.length - 1) : here + step]?.querySelector("td a");
    if (next) { event.preventDefault(); next.focus(); }
  });

  // One drop-down at a time; Escape closes it and gives the focus back.
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") all("details.drop[open]", (drop) => { drop.open = false; drop.querySelector("summary").focus(); });
    const typing = /^(input|textarea|select)$/i.test(event.target.tagName) || event.target.isContentEditable;
    if (!typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      const wanted = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
      if (wanted) { event.preventDefault(); wanted.focus(); }
    }
  });
  // The original of a paragraph shows on hover and focus by style alone; Escape puts it away until one comes back (WCAG 1.4.13).
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") all(".translated .block", (block) => block.classList.add("hushed")); });
  all(".translated .block", (block) => { for (const kind of ["pointerenter", "focusin"]) block.addEventListener(kind, () => block.classList.remove("hushed")); });
  document.addEventListener("click", (event) => all("details.drop[open]", (drop) => { if (!drop.contains(event.target)) drop.open = false; }));

  // Asks before what cannot be undone: <button data-confirm="…">. The handler asks by itself when `sure` is missing.
  const ask = document.getElementById("ask");
  document.addEventListener("submit", (event) => {
    const form = event.target, button = event.submitter;
    if (!button || !button.dataset.confirm || form.dataset.sure) return;
    event.preventDefault();
    ask.querySelector("#ask-text").textContent = button.dataset.confirm;
    ask.querySelector("[data-yes]").textContent = button.textContent;
    ask.addEventListener("close", () => {
      if (ask.returnValue !== "yes") return;
      const sure = document.createElement("input");
      sure.type = "hidden"; sure.name = "sure"; sure.value = "1";
      form.append(sure);
      form.dataset.sure = "1";
      form.requestSubmit(button);
    }, { once: true });
    ask.returnValue = "";
    ask.showModal();
  });

  // A list put into order by dragging: <ol data-order="FORM"> whose items are draggable and hold the hidden fields of the form, in order.
  all("ol[data-order]:not([data-order=''])", (list) => {
    let dragged = null;
    const clear = () => all("li", (item) => item.classList.remove("dragged", "target"), list);
    list.addEventListener("dragstart", (event) => { dragged = event.target.closest("li[draggable]"); dragged?.classList.add("dragged"); });
    list.addEventListener("dragend", () => { dragged = null; clear(); });
    list.addEventListener("dragover", (event) => {
      const over = event.target.closest("li[draggable]");
      if (!dragged || !over) return;
      event.preventDefault();
      all("li", (item) => item.classList.toggle("target", item === over && item !== dragged), list);
    });
    list.addEventListener("drop", (event) => {
      const over = event.target.closest("li[draggable]");
      if (!dragged || !over || over === dragged) return;
      event.preventDefault();
      over.before(dragged);
      document.getElementById(list.dataset.order).requestSubmit();
    });
  });

  // What takes a while says so: <button data-busy="Asking DNS …">.
  document.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (event.defaultPrevented || !button || !button.dataset.busy) return;
    window.gatepostSay(button.dataset.busy);
    // After the form was read: a disabled button is not sent.
    setTimeout(() => {
      button.disabled = true;
      button.setAttribute("aria-busy", "true");
      button.textContent = button.dataset.busy;
      const bar = document.createElement("progress");
      bar.setAttribute("aria-label", button.dataset.busy);
      button.after(bar);
    });
  });

  // A list whose entries can be dragged to another place: each says where that is asked for and which place it has.
  all("[data-order]", (list) => {
    let dragged = null;
    const entry = (event) => event.target.closest("[data-move]");
    all("[data-move]", (item) => { item.draggable = true; }, list);
    list.addEventListener("dragstart", (event) => { dragged = entry(event); });
    list.addEventListener("dragend", () => all(".over", (item) => item.classList.remove("over"), list));
    list.addEventListener("dragover", (event) => {
      const over = entry(event);
      if (!dragged || !over) return;
      event.preventDefault();
      all(".over", (item) => item.classList.remove("over"), list);
      over.classList.add("over");
    });
    list.addEventListener("drop", (event) => {
      const over = entry(event);
      if (!dragged || !over || over === dragged) return;
      event.preventDefault();
      const form = document.createElement("form"), place = document.createElement("input");
      form.method = "post"; form.action = dragged.dataset.move;
      place.type = "hidden"; place.name = "place"; place.value = over.dataset.place;
      form.append(place);
      document.body.append(form);
      form.submit();
    });
  });

  // A search that was not over in its time goes on by itself until its page is full or somebody uses the list; without scripts, the
  // next page goes on: <div id="…" data-search-on="/where?it=goes-on">.
  const ROWS_WANTED = 50, PARTS_MAX = 500;
  async function searchOn(box) {
    for (let part = 0; part < PARTS_MAX && box.dataset.searchOn && !box.contains(document.activeElement); part++) {
      const rows = box.querySelectorAll("tbody tr");
      if (rows.length >= ROWS_WANTED || !box.isConnected) break;
      box.setAttribute("aria-busy", "true");
      const answer = await fetch(box.dataset.searchOn);
      const next = answer.ok && new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(box.id);
      if (!next) break;
      const body = next.querySelector("tbody");
      if (body || rows.length === 0) {
        body?.prepend(...rows);
        box.replaceWith(next);
        box = next;
        prepare(box);
      } else {
        const [told, tells] = [box, next].map((part) => part.querySelector(".hint"));
        if (told && tells) told.replaceWith(tells);
        else told?.remove();
        const further = next.querySelector("a[rel=next]");
        if (further) box.querySelector("a[rel=next]")?.replaceWith(further);
        else box.querySelector("a[rel=next]")?.remove();
        box.dataset.searchOn = next.dataset.searchOn ?? "";
      }
    }
    box.removeAttribute("aria-busy");
    const says = box.querySelector(".hint, .empty");
    if (says) window.gatepostSay(says.textContent);
  }
  all("[data-search-on]", searchOn);

  // A file as the text of a field, so that nothing but text is sent.
  all("[data-file-for]", (box) => {
    box.hidden = false;
    box.querySelector("input[type=file]").addEventListener("change", async (event) => {
      const file = event.target.files[0];
      if (file) document.getElementById(box.dataset.fileFor).value = await file.text();
    });
  });

  // The bell rings without a reload: its number, its name, and politely what is new.
  const bell = document.querySelector("[data-bell]");
  if (bell && window.EventSource) {
    window.gatepostFollow(bell.dataset.bell, {
      bell: (event) => {
        const rung = JSON.parse(event.data), count = bell.querySelector(".count");
        count.textContent = rung.count;
        count.hidden = rung.count === 0;
        bell.setAttribute("aria-label", rung.label);
        if (rung.says) window.gatepostSay(rung.says);
      },
    });
  }

  // Copies what stands in an element: <button data-copy="#id" data-copied="…" hidden>.
  all("[data-copy]", (button) => {
    button.hidden = !navigator.clipboard;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(document.querySelector(button.dataset.copy).textContent.trim());
      window.gatepostSay(button.dataset.copied);
      button.classList.add("good");
    });
  });
})();
