import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { PROJECT_URL } from "../../../lib/tools/host/project.ts";
import { callComplaint } from "../../support/documented-calls.ts";
import { programCalls } from "../../support/shell-lines.ts";
import { PROJECT } from "../../support/sources.ts";

const DIRECTORY = join(PROJECT, ".github/ISSUE_TEMPLATE");

/** https://docs.github.com/communities/using-templates-to-encourage-useful-issues-and-pull-requests/syntax-for-githubs-form-schema */
interface Form {
  readonly name: string;
  readonly description: string;
  readonly body: readonly Element[];
}

interface Element {
  readonly type: string;
  readonly id?: string;
  readonly attributes: {
    readonly label?: string;
    readonly description?: string;
    readonly value?: string;
    readonly options?: readonly (string | { readonly label: string })[];
  };
}

const forms = readdirSync(DIRECTORY)
  .filter((name) => name !== "config.yml")
  .sort()
  .map((file) => {
    const text = readFileSync(join(DIRECTORY, file), "utf8");
    return { file, text, form: parse(text) as Form };
  });

describe.each(forms)("$file", ({ text, form }) => {
  test("is a form as GitHub wants them", () => {
    expect([form.name, form.description].filter((part) => part.length > 0)).toHaveLength(2);
    for (const { type, id, attributes } of form.body) {
      expect(["markdown", "textarea", "input", "dropdown", "checkboxes"]).toContain(type);
      expect(type === "markdown" ? attributes.value : attributes.label).not.toBeEmpty();
      expect(["dropdown", "checkboxes"].includes(type)).toBe(attributes.options !== undefined);
      expect(id === undefined).toBe(type === "markdown");
    }
    const labels = form.body.flatMap(({ id, attributes }) =>
      id === undefined ? [] : [id, attributes.label],
    );
    expect(new Set(labels).size).toBe(labels.length);
  });

  test("names commands that there are", async () => {
    const spans = [...text.matchAll(/`([^`\n]* [^`\n]*)`/g)].map(([, span = ""]) => span);
    const complaints = await Promise.all(spans.flatMap(programCalls).map(callComplaint));
    expect(complaints.filter((complaint) => complaint !== undefined)).toEqual([]);
  });
});

test("the form for a bug asks for version, configuration without secrets, and the support file", () => {
  const { form } = forms.find(({ file }) => file === "bug.yml") ?? {};
  const asks = (id: string) => form?.body.find((element) => element.id === id)?.attributes.description;
  expect(asks("version")).toContain("`k3os --version`");
  expect(asks("configuration")).toMatch(/`k3os config --dump`.*passwords, tokens and keys.*`\(secret\)`/s);
  expect(asks("support")).toContain("`sudo k3os support`");
});

test("links from the forms lead to pages that there are", () => {
  const config = readFileSync(join(DIRECTORY, "config.yml"), "utf8");
  const text = [config, ...forms.map((each) => each.text)].join("\n");
  const pages = [...text.matchAll(new RegExp(`${PROJECT_URL}/blob/main/([\\w/.-]+)`, "g"))];
  expect(pages.map(([, path = ""]) => path).filter((path) => !existsSync(join(PROJECT, path)))).toEqual([]);
  expect(pages.length).toBeGreaterThan(0);
});
