// Passkeys: <button data-passkey="sign-in|make" hidden>. Without scripts, or where the browser has none, other ways are offered.
"use strict";
(() => {
  const buttons = document.querySelectorAll("[data-passkey]");
  // Browsers give passkeys to host names only, not to addresses.
  const can = window.PublicKeyCredential && window.isSecureContext && !/^[\d.]+$|^\[/.test(location.hostname);
  document.querySelectorAll("[data-passkey-none]").forEach((el) => { el.hidden = Boolean(can); });
  if (!can) return;

  const octets = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const send = async (path, body) => {
    const answer = await fetch(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body), credentials: "same-origin" });
    if (!answer.ok) throw new Error(String(answer.status));
    return answer.json();
  };
  const readable = (list) => (list ?? []).map((one) => ({ ...one, id: octets(one.id) }));

  async function signIn(next) {
    const { publicKey } = await send("/sign-in/passkey/begin", {});
    const found = await navigator.credentials.get({ publicKey: { ...publicKey, challenge: octets(publicKey.challenge), allowCredentials: readable(publicKey.allowCredentials) } });
    const { response } = found;
    const credential = {
      id: found.id, rawId: text(found.rawId), type: found.type, extensions: {},
      response: {
        authenticatorData: text(response.authenticatorData), clientDataJSON: text(response.clientDataJSON),
        signature: text(response.signature), userHandle: response.userHandle ? text(response.userHandle) : null,
      },
    };
    return send("/sign-in/passkey/finish", { credential, next });
  }

  async function make(name) {
    const { publicKey } = await send("/account/passkeys/begin", {});
    const made = await navigator.credentials.create({ publicKey: { ...publicKey, challenge: octets(publicKey.challenge), user: { ...publicKey.user, id: octets(publicKey.user.id) }, excludeCredentials: readable(publicKey.excludeCredentials) } });
    const credential = {
      id: made.id, rawId: text(made.rawId), type: made.type, extensions: {},
      response: { attestationObject: text(made.response.attestationObject), clientDataJSON: text(made.response.clientDataJSON), transports: made.response.getTransports?.() ?? [] },
    };
    return send("/account/passkeys/finish", { credential, name });
  }

  buttons.forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const failed = document.getElementById("passkey-failed");
      failed.hidden = true;
      button.disabled = true;
      try {
        const done = button.dataset.passkey === "make" ? await make(document.getElementById("f-name").value) : await signIn(button.dataset.next ?? "");
        location.assign(done.to);
      } catch {
        failed.hidden = false;
        button.disabled = false;
        button.focus();
      }
    });
  });
})();
