// The queue of support follows by itself: rows come, change and go without a reload, and nobody loses the focus, a tick or a selection.
"use strict";
(() => {
  const rows = document.getElementById("rows"), views = document.getElementById("views");
  const button = document.querySelector("[data-follow]"), state = document.getElementById("live-state");
  if (!rows || !views || !button || !window.EventSource) return;
  const KEPT = "gatepost-live-queue";
  const tell = (text) => { if (state.textContent !== text) state.textContent = text; };
  const named = (row) => row.querySelector("input[name=pick]")?.value ?? "";
  const isHeld = (row) => row.contains(document.activeElement);
  const isTicked = (row) => row.querySelector("input[name=pick]")?.checked ?? false;

  /** What is different in a row, cell by cell; a link that has the focus stays the same element, and a tick stays. */
  function fill(row, fresh) {
    [...fresh.cells].forEach((cell, n) => {
      const here = row.cells[n];
      if (!here || here.classList.contains("pick") || here.innerHTML === cell.innerHTML) return;
      const [link, next] = [here.querySelector("a"), cell.querySelector("a")];
      if (link && next && link === document.activeElement) {
        link.textContent = next.textContent;
        link.href = next.href;
        return;
      }
      here.replaceChildren(...cell.childNodes);
    });
  }

  /** A row that is no longer in the view, and that somebody is about to use. */
  function leave(row) {
    if (row.classList.contains("gone")) return;
    row.classList.add("gone");
    const note = document.createElement("div");
    note.className = "hint";
    note.textContent = rows.dataset.gone;
    (row.cells[1] ?? row.cells[0]).append(note);
  }

  function arrange(body, fresh) {
    const before = [...body.rows], known = new Map(before.map((row) => [named(row), row]));
    const order = fresh.map((next) => {
      const row = known.get(named(next));
      if (!row) return next;
      known.delete(named(next));
      fill(row, next);
      row.classList.remove("gone");
      return row;
    });
    for (const row of known.values()) {
      if (isHeld(row) || isTicked(row)) {
        leave(row);
        order.splice(Math.min(before.indexOf(row), order.length), 0, row);
      } else row.remove();
    }
    if (order.length === body.rows.length && order.every((row, n) => row === body.rows[n])) return;
    // What has the focus is not moved; the others are put around it.
    const at = order.findIndex(isHeld);
    if (at < 0) body.replaceChildren(...order);
    else {
      order[at].before(...order.slice(0, at));
      order[at].after(...order.slice(at + 1));
    }
  }

  function take(told) {
    const page = new DOMParser().parseFromString(told.html, "text/html");
    const next = page.getElementById("rows"), links = views.querySelectorAll("a");
    page.querySelectorAll("#views a").forEach((link, n) => { if (links[n] && links[n].textContent !== link.textContent) links[n].textContent = link.textContent; });
    const body = rows.querySelector("tbody"), fresh = next.querySelector("tbody");
    const isUsed = body && [...body.rows].some((row) => isHeld(row) || isTicked(row));
    if (body && (fresh || isUsed)) {
      arrange(body, fresh ? [...fresh.rows] : []);
      const [more, further] = [rows, next].map((part) => part.querySelector("a[rel=next]"));
      if (more && further) more.href = further.href;
    } else if (body || fresh) {
      if (rows.contains(document.activeElement)) return false;
      rows.replaceChildren(...next.childNodes);
      // What the page does with every table of its own.
      document.dispatchEvent(new CustomEvent("gatepost:fresh", { detail: rows }));
    }
    if (told.says) window.gatepostSay(told.says);
    return true;
  }

  // Text that somebody has selected in the list would be lost: the list waits until they are done with it.
  let waiting = null;
  const isSelecting = () => {
    const selection = document.getSelection();
    return Boolean(selection && !selection.isCollapsed && rows.contains(selection.anchorNode));
  };
  function come(told) {
    if (!told) return;
    waiting = isSelecting() || !take(told) ? told : null;
  }
  document.addEventListener("selectionchange", () => { if (waiting && !isSelecting()) come(waiting); });
  rows.addEventListener("focusout", () => setTimeout(() => { if (waiting && !isSelecting()) come(waiting); }));

  let unfollow = null;
  function follow() {
    unfollow = window.gatepostFollow(button.dataset.follow, {
      queue: (event) => come(JSON.parse(event.data)),
      open: () => tell(""),
      // Closed: not tried again by itself, as after signing out elsewhere.
      error: (event) => (event.target.readyState === EventSource.CLOSED ? stop() : tell(button.dataset.lost)),
    });
    button.textContent = button.dataset.stop;
    tell("");
  }
  function stop() {
    unfollow?.();
    unfollow = null;
    waiting = null;
    button.textContent = button.dataset.start;
    tell(button.dataset.stopped);
  }
  button.hidden = false;
  button.addEventListener("click", () => {
    const follows = unfollow !== null;
    sessionStorage.setItem(KEPT, follows ? "off" : "on");
    follows ? stop() : follow();
  });
  sessionStorage.getItem(KEPT) === "off" ? stop() : follow();
})();
