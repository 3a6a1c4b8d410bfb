// Writes docs/accessibility.md from criteria.mjs and from axe.json of the last test run. Usage: node statement.mjs [--check]
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { out, readJson, root } from "./server.mjs";
import { CRITERIA } from "./criteria.mjs";

export const place = join(root, "docs", "accessibility.md");
/** axe tags a rule for 1.4.3 with "wcag143". */
const tag = (id) => "wcag" + id.replaceAll(".", "");

function shownBy(one, results) {
  if (one.by === "axe") {
    const rules = Object.entries(results.passes).filter(([, rule]) => rule.tags.includes(tag(one.id))).map(([id]) => `\`${id}\``);
    return rules.length ? `axe-core: ${rules.sort().join(", ")}` : "how pages are made (no rule of axe-core found anything to look at)";
  }
  return { design: "how pages are made", none: "does not apply" }[one.by] ?? `\`tests/browser/${one.by}\``;
}

/** The list of criteria as the statement has it: what makes it stale when it differs. */
export const rows = () => CRITERIA.map((one) => `| ${one.id} ${one.name} | ${one.level} | ${one.how} |`);

function statement(results) {
  const seen = [...results.pages].sort();
  const lines = [
    "# Accessibility", "",
    "How Gatepost's pages meet the Web Content Accessibility Guidelines 2.2, level A and AA. Made from a test run by `tests/browser/statement.mjs`; do not edit.", "",
    "## What the run found", "",
    `axe-core looked ${results.runs} times: at ${seen.length} kinds of page, in English and Chinese, at 1280 and 320 px, light and dark, with forced colours and with high contrast.`,
    `It found ${results.violations.length} violations.`, "",
    ...(results.violations.length ? ["Open:", "", ...results.violations.map((one) => `- ${one.name}: ${one.id}`), ""] : []),
    "Rules that axe-core could not decide by itself on some page: " + (Object.keys(results.undecided).sort().map((id) => `\`${id}\``).join(", ") || "none") + ".", "",
    "A machine finds part of what matters. Nobody has yet tried the pages with NVDA, VoiceOver or a braille display; tell whoever runs the service what is hard for you.", "",
    "## Criteria", "",
    "| criterion | level | how it is met | shown by |", "|---|---|---|---|",
    ...CRITERIA.map((one, at) => `${rows()[at].slice(0, -1)}| ${shownBy(one, results)} |`), "",
    "## Pages looked at", "",
    ...seen.map((page) => `- \`${page}\``), "",
  ];
  return lines.join("\n");
}

/** What is wrong with the statement as it is; '' when nothing. */
export function stale() {
  if (!existsSync(place)) return "there is no docs/accessibility.md: run node tests/browser/statement.mjs";
  const text = readFileSync(place, "utf8");
  const missing = rows().filter((row) => !text.includes(row.slice(0, -1)));
  const extra = (text.match(/^\| \d\.\d/gm) ?? []).length - CRITERIA.length;
  return missing.length || extra ? `docs/accessibility.md is stale (${missing.length} criteria differ, ${extra} too many): run node tests/browser/statement.mjs` : "";
}

/** Test files that criteria name and that are not there. */
export const missingTests = () => {
  const files = readdirSync(join(root, "tests", "browser"));
  return CRITERIA.map((one) => one.by).filter((by) => by.endsWith(".mjs") && !files.includes(by));
};

if (process.argv[1]?.endsWith("statement.mjs")) {
  if (process.argv[2] === "--check") {
    const why = stale();
    if (why) { console.error(why); process.exit(1); }
  } else {
    writeFileSync(place, statement(readJson(join(out, "axe.json"))));
  }
}
