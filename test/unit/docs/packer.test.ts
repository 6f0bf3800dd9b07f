import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "@cdktn/hcl2json";
import { bootWords } from "../../../lib/boot/mode.ts";
import { readCmdline } from "../../../lib/config/read/cmdline.ts";
import { mergeLayers } from "../../../lib/config/read/merge.ts";
import { parseConfigText } from "../../../lib/config/read/parse.ts";
import { OFFER } from "../../../lib/datasource/providers.ts";
import { mediumMenu } from "../../../lib/make/image/grub-menu.ts";
import { callComplaint } from "../../support/documented-calls.ts";
import { readTemplates, type Template, typedText } from "../../support/packer.ts";
import { programCalls } from "../../support/shell-lines.ts";
import { PROJECT } from "../../support/sources.ts";

const templates = await readTemplates();
const sources = templates.flatMap((template) =>
  Object.entries(template.sources).map(([name, attributes]) => ({ name, attributes, template })),
);
const configurations = templates.flatMap(({ directory }) =>
  readdirSync(directory).flatMap((file) => (file.endsWith(".yaml") ? [join(directory, file)] : [])),
);

/** A line as the machine gets it: variables of the template with values that are like real ones. */
function filled(line: string): string {
  const values: Readonly<Record<string, string>> = {
    release: "https://example.com/v0.30.0",
    arch: "amd64",
    options: "--key RWQ",
  };
  return line.replace(/\$\{var\.(\w+)\}/g, (whole, name: string) => values[name] ?? whole);
}

test("docs/packer.md shows every template, and there is nothing that it does not show", () => {
  const page = readFileSync(join(PROJECT, "docs/packer.md"), "utf8");
  expect(templates.map(({ name }) => name)).toEqual([
    "aws",
    "gcp",
    "hetzner",
    "openstack",
    "proxmox",
    "vagrant",
    "vsphere",
  ]);
  expect(templates.filter(({ name }) => !page.includes(`(packer/${name}/template.pkr.hcl)`))).toEqual([]);
});

test("the parser finds mistakes", async () => {
  await expect(parse("broken", 'source "a" "b" {\n  c = \n}\n')).rejects.toThrow("broken:2");
});

describe.each(templates)(
  "the template $name",
  ({ plugins, text, variables, locals, built, commands, ...template }) => {
    test("names a plugin with its place and version for all that it uses", () => {
      const types = Object.keys(template.sources).map((name) => name.split(".")[0] ?? "");
      const used = [...types, ...(text.includes("post-processor") ? ["vagrant"] : [])];
      // a plugin is called as its builders begin, but for the oldest of them
      const names = used.map((type) => ({ "amazon-ebs": "amazon" })[type] ?? type.replace(/-iso$/, ""));
      expect(Object.keys(plugins).sort()).toEqual(names.sort());
      for (const [name, { source, version }] of Object.entries(plugins)) {
        expect(source).toMatch(new RegExp(`^github\\.com/\\w+/${name}$`));
        expect(version).toMatch(/^>= \d+\.\d+\.\d+$/);
      }
    });

    test("builds its sources, and uses the variables that it declares", () => {
      expect(built.slice().sort()).toEqual(
        Object.keys(template.sources)
          .map((name) => `source.${name}`)
          .sort(),
      );
      const used = (kind: string) =>
        [...text.matchAll(new RegExp(`\\b${kind}\\.(\\w+)`, "g"))].map(([, name = ""]) => name);
      expect([...new Set(used("var"))].sort()).toEqual([...variables].sort());
      expect([...new Set(used("local"))].sort()).toEqual(Object.keys(locals).sort());
    });

    test("reads files that there are", () => {
      const files = [...text.matchAll(/\$\{path\.root\}\/([^"]+)"/g)].map(([, file = ""]) => file);
      const roles = (file: string) =>
        ["server", "agent"].map((role) => file.replace(/\$\{var\.role\}/, role));
      const missing = files.flatMap(roles).filter((file) => !existsSync(join(template.directory, file)));
      expect(missing).toEqual([]);
    });

    test("runs commands that exist, with options that they have", async () => {
      const calls = programCalls(commands.map(filled).join("\n"));
      const complaints = await Promise.all(calls.map(callComplaint));
      expect(complaints.filter((complaint) => complaint !== undefined)).toEqual([]);
      expect(commands.join().includes("--takeover")).toBe(
        Object.keys(template.sources).every((name) => !isFromIso(name)),
      );
    });
  },
);

function isFromIso(name: string): boolean {
  return /-iso\.|^qemu\./.test(name);
}

describe.each(sources.filter(({ name }) => isFromIso(name)))(
  "the source $name",
  ({ attributes, template }) => {
    const typed = filled(typedText(template, attributes) ?? "");
    const lines = typed.split("\n");
    const parameters = /^linux \S+ (.*)$/m.exec(typed)?.[1] ?? "";
    const kernel = readCmdline(parameters, "template");

    test("types what the ISO's own entry does, and parameters that are known", () => {
      const entry = mediumMenu()
        .split("\n")
        .map((line) => line.trim());
      expect(lines[0]).toBe(`c${entry.find((line) => line.startsWith("loopback "))}`);
      expect(entry).toContain(lines[2] ?? "");
      const own = entry.find((line) => line.startsWith("linux ") && line.includes("k3os.mode=install")) ?? "";
      expect(own.split(" ").filter((word) => !(lines[1] ?? "").split(" ").includes(word))).toEqual([]);
      expect(bootWords(parameters).mode).toBe("install");
      expect(kernel.diagnostics).toEqual([]);
    });

    test("tells the installer to ask nothing, and where to install to", () => {
      const files = configurationsOf(template, attributes);
      expect(files.length).toBeGreaterThan(0);
      for (const file of files) {
        // user data goes before the command line; what config_url names is only for the installed system
        const install = kernel.settings.some(({ path }) => path === "k3os.install.configUrl")
          ? mergeLayers([kernel]).config.k3os?.install
          : parseConfigText(readFileSync(file, "utf8"), file).config.k3os?.install;
        expect(install).toMatchObject({ silent: true, device: expect.stringMatching(/^\/dev\/[sv]da$/) });
        // a machine that nobody logs in to has to end by itself
        expect(install?.powerOff ?? false).toBe(attributes.communicator === "none");
        expect(attributes.disable_shutdown ?? false).toBe(attributes.communicator === "none");
      }
    });
  },
);

/** The configurations that a source hands to the machine. */
function configurationsOf({ directory }: Template, attributes: object): string[] {
  const file = /\$\{path\.root\}\/([^"\\]+\.yaml)/.exec(JSON.stringify(attributes))?.[1] ?? "";
  return ["server", "agent"].map((role) => join(directory, file.replace(/\$\{var\.role\}/, role)));
}

describe("the configurations", () => {
  test.each(configurations)("%s are valid, and ask data sources that there are", (file) => {
    const { config, diagnostics } = parseConfigText(readFileSync(file, "utf8"), file);
    expect(diagnostics).toEqual([]);
    const known = OFFER.providers.map(({ name }) => name);
    expect((config.k3os?.dataSources ?? []).filter((name) => !known.includes(name))).toEqual([]);
  });

  test("of this page and the examples name the schema where it is", () => {
    const examples = readdirSync(join(PROJECT, "test/examples")).map((name) =>
      join(PROJECT, "test/examples", name),
    );
    const named = [...configurations, ...examples].flatMap((file) => {
      const path = /^# yaml-language-server: \$schema=(\S+)$/m.exec(readFileSync(file, "utf8"))?.[1];
      return path === undefined ? [] : [join(file, "..", path)];
    });
    expect(named.length).toBe(configurations.length + 4);
    expect(named.filter((path) => path !== join(PROJECT, "docs/config.schema.json"))).toEqual([]);
  });
});
