// Files of requests: chosen, dragged or pasted ones go up in pieces, with progress, and go on after the line broke.
"use strict";
(() => {
  const PIECE = 512 * 1024, TRIES = 5;
  const wait = (ms) => new Promise((done) => setTimeout(done, ms));

  async function json(answer) {
    const body = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Error((body.errors && body.errors.map((one) => one.detail).join(" ")) || body.detail || answer.statusText);
    return body;
  }

  async function upload(input, file, bar) {
    const secrets = document.querySelector("[name=show_secrets]");
    let begun = await json(await fetch(input.dataset.upload, { method: "POST", headers: { "content-type": "application/json" },
      body: JSON.stringify({ name: file.name || "file", octets: file.size, request: input.dataset.request || null }) }));
    const path = input.dataset.upload + "/" + begun.id;
    for (let tries = 0; begun.received < file.size;) {
      const piece = file.slice(begun.received, begun.received + PIECE);
      const shows = secrets && secrets.checked ? "&show_secrets=true" : "";
      try {
        begun = await json(await fetch(path + "?at=" + begun.received + shows, { method: "PUT", headers: { "content-type": "application/octet-stream" }, body: piece }));
        if (begun.state === "clean") break;
        tries = 0;
      } catch (why) {
        if (!(why instanceof TypeError) || ++tries > TRIES) throw why;
        // The line broke: ask how far we are and go on.
        await wait(1000 * tries);
        const known = await fetch(path).catch(() => null);
        if (known && known.ok) begun = await known.json();
      }
      bar.value = begun.received / file.size;
    }
    return begun;
  }

  async function take(input, files) {
    const list = input.closest("[data-drop]").querySelector("[data-uploads]");
    for (const file of files) {
      const line = document.createElement("li"), bar = document.createElement("progress");
      line.textContent = file.name + " ";
      bar.max = 1; bar.value = 0;
      bar.setAttribute("aria-label", input.dataset.busyText + " " + file.name);
      line.append(bar);
      list.append(line);
      try {
        await upload(input, file, bar);
        line.append(" " + input.dataset.sent);
        window.gatepostSay(file.name + ": " + input.dataset.sent);
      } catch (why) {
        line.append(" " + why.message);
        window.gatepostSay(file.name + ": " + why.message);
      }
      bar.remove();
    }
  }

  document.querySelectorAll("input[type=file][data-upload]").forEach((input) => {
    const place = input.closest("[data-drop]");
    input.addEventListener("change", () => { const files = [...input.files]; input.value = ""; take(input, files); });
    place.addEventListener("dragover", (event) => { event.preventDefault(); place.classList.add("drop-here"); });
    place.addEventListener("dragleave", () => place.classList.remove("drop-here"));
    place.addEventListener("drop", (event) => { event.preventDefault(); place.classList.remove("drop-here"); take(input, [...event.dataTransfer.files]); });
    document.addEventListener("paste", (event) => { const files = [...(event.clipboardData?.files || [])]; if (files.length) { event.preventDefault(); take(input, files); } });
  });
})();
