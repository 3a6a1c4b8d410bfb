// Reports of other servers as people use them: uploaded, sent by mail, who sent, what to do, files; in both languages.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { out, sendMail, start } from "./server.mjs";
import { LANGS, axe, launch, open, signIn, wider } from "./browser.mjs";

const WORDS = {
  en: { upload: "Upload a report", go: "Upload", counts: "The report was read and counts.", known: "This report was there already", broken: "It ends in the middle.", good: "Nothing to do", forged: "Yours? Else forged", received: "Received reports", week: "Every week, on Monday", save: "Save", on: "The report will come by mail.", kind: "Kind", find: "Find", problem: "Cannot be used", csv: "CSV" },
  "zh-CN": { upload: "上传报告", go: "上传", counts: "报告已读取并计入统计。", known: "这份报告之前已收到", broken: "内容不完整，中途结束。", good: "无需处理", forged: "是您的吗？否则为伪造", received: "收到的报告", week: "每周一", save: "保存", on: "报表将通过邮件发送。", kind: "种类", find: "查找", problem: "无法使用", csv: "CSV" },
};
let server, browser, cookies;

before(async () => {
  server = await start();
  browser = await launch();
  cookies = await signIn(browser, server.link);
  mkdirSync(join(out, "reports"), { recursive: true });
});
after(async () => { await browser?.close(); await server?.stop(); });

const picture = (page, name) => page.screenshot({ path: join(out, "reports", `${name}.png`), fullPage: true });
const record = (ip, count, result) => `<record><row><source_ip>${ip}</source_ip><count>${count}</count><policy_evaluated><disposition>none</disposition><dkim>${result}</dkim><spf>${result}</spf></policy_evaluated></row><identifiers><header_from>demo.example</header_from></identifiers><auth_results><spf><domain>demo.example</domain><result>${result}</result></spf></auth_results></record>`;
/** A report about a day so many days ago. */
function report(id, daysAgo, ...records) {
  const begin = Math.floor(Date.now() / 86_400_000) * 86_400 - daysAgo * 86_400;
  return Buffer.from(`<?xml version="1.0"?><feedback><report_metadata><org_name>reporter.example</org_name><email>d@reporter.example</email><report_id>${id}</report_id><date_range><begin>${begin}</begin><end>${begin + 86_399}</end></date_range></report_metadata><policy_published><domain>demo.example</domain><p>none</p></policy_published>${records.join("")}</feedback>`);
}

async function upload(page, words, name, buffer) {
  await page.goto(server.base + "/reports/received");
  await page.getByRole("link", { name: words.upload }).click();
  await page.locator("#f-file").setInputFiles({ name, mimeType: "application/octet-stream", buffer });
  await page.getByRole("button", { name: words.go, exact: true }).click();
  await page.waitForURL(/\/reports\/received\/b/);
}

for (const lang of LANGS) {
  const words = WORDS[lang];
  test(`a report is uploaded, its sources are seen, files are saved, in ${lang}`, async () => {
    const context = await open(browser, { lang, cookies });
    const page = await context.newPage();
    for (let day = 1; day <= 3; day++) {
      await upload(page, words, "report.xml.gz", gzipSync(report(`${lang}-${day}`, day, record("192.0.2.10", 40 + day, "pass"), record("198.51.100.7", 5 * day, "fail"))));
      await page.getByText(words.counts).waitFor();
    }
    await picture(page, `report-${lang}`);
    await upload(page, words, "report.xml", report(`${lang}-1`, 1, record("192.0.2.10", 41, "pass")));
    await page.getByText(words.known).waitFor();
    await upload(page, words, "half.xml", report(`${lang}-half`, 1, record("192.0.2.10", 1, "pass")).subarray(0, 300));
    await page.getByText(words.broken).waitFor();
    await page.goto(server.base + "/reports/dmarc");
    await page.getByRole("link", { name: "demo.example" }).click();
    const row = (ip) => page.locator("tr", { hasText: ip });
    assert.match(await row("192.0.2.10").textContent(), new RegExp(words.good === "Nothing to do" ? "Nothing to do|Add DKIM" : "无需处理|添加 DKIM"));
    assert.ok((await row("198.51.100.7").textContent()).includes(words.forged));
    await picture(page, `domain-${lang}`);
    const [file] = await Promise.all([page.waitForEvent("download"), page.locator('a[download][href*="format=csv"]').click()]);
    const text = readFileSync(await file.path(), "utf8");
    assert.ok(text.startsWith("\ufeff") && text.includes("198.51.100.7"), text);
    await page.getByRole("link", { name: "198.51.100.7" }).click();
    await picture(page, `source-${lang}`);
    assert.deepEqual((await axe(page)).violations, []);
    await page.goto(server.base + "/reports/received");
    await page.locator("#f-kind").selectOption("problem");
    await page.getByRole("button", { name: words.find }).click();
    await page.getByText(words.broken).first().waitFor();
    assert.deepEqual((await axe(page)).violations, []);
    assert.deepEqual(context.mistakes, []);
    await context.close();
  });

  test(`pages of reports fit a narrow window, light and dark, and the keyboard chooses letters, in ${lang}`, async () => {
    const context = await open(browser, { lang, cookies, width: 320, colours: "dark" });
    const page = await context.newPage();
    for (const [path, name] of [["/reports", "flow"], ["/reports/dmarc", "dmarc"], ["/reports/dmarc/demo.example", "domain"], ["/reports/tls", "tls"], ["/reports/received", "received"], ["/reports/received/new", "upload"]]) {
      await page.goto(server.base + path);
      await picture(page, `${name}-${lang}-320-dark`);
      assert.deepEqual(await wider(page), [], path);
      assert.deepEqual((await axe(page)).violations, [], path);
    }
    await page.goto(server.base + "/reports");
    await page.locator("#f-every").focus();
    await page.locator("#f-every").selectOption("week");
    await page.getByRole("button", { name: words.save, exact: true }).focus();
    await page.keyboard.press("Enter");
    await page.getByText(words.on).waitFor();
    assert.equal(await page.locator("#f-every").inputValue(), "week");
    assert.deepEqual(context.mistakes, []);
    await context.close();
  });
}

test("a report that comes by mail counts, and what is none is listed", async () => {
  const context = await open(browser, { cookies });
  const page = await context.newPage();
  const zip = gzipSync(report("by-mail", 2, record("203.0.113.99", 12, "fail"))).toString("base64").match(/.{1,76}/g).join("\r\n");
  const headers = "MIME-Version: 1.0\r\nContent-Type: application/gzip; name=\"r.xml.gz\"\r\nContent-Disposition: attachment; filename=\"r.xml.gz\"\r\nContent-Transfer-Encoding: base64\r\n";
  assert.match(await sendMail(server.smtp, { from: "dmarc@reporter.example", to: "dmarc-reports@demo.example", subject: "Report Domain: demo.example", headers, text: zip }), /^250/);
  assert.match(await sendMail(server.smtp, { from: "tom@partner.example", to: "dmarc-reports@demo.example", subject: "Hello", text: "Are you there?" }), /^250/);
  await page.goto(server.base + "/reports/dmarc/demo.example");
  await page.getByRole("link", { name: "203.0.113.99" }).waitFor();
  await page.goto(server.base + "/reports/received?kind=problem");
  await page.getByText("There is no report in it.").first().waitFor();
  assert.deepEqual(server.mistakes(), []);
  await context.close();
});
