import { describe, expect, test } from "bun:test";
import { provenance, readProvenance } from "../../../../lib/make/release/provenance.ts";
import { messageOf } from "../../../../lib/tools/text/errors.ts";

const INPUT = {
  ...{ version: "v1", source: { commit: "c".repeat(40), time: 1, tags: ["v1"], dirty: ["a b"] } },
  files: new Map([
    ["b", "22"],
    ["a", "11"],
  ]),
  parameters: { arch: ["amd64"], k3s: "v1.36.3+k3s1" },
  inputs: [{ name: "package-lock.json", sha256: "33" }],
};

describe("provenance()", () => {
  test("is an in-toto statement about each file, with SLSA's predicate", () => {
    const statement = JSON.parse(provenance(INPUT, { env: {} }));
    expect(Object.keys(statement)).toEqual(["_type", "subject", "predicateType", "predicate"]);
    expect([statement._type, statement.predicateType]).toEqual([
      ...["https://in-toto.io/Statement/v1", "https://slsa.dev/provenance/v1"],
    ]);
    expect(statement.subject).toEqual([
      ...[
        { name: "a", digest: { sha256: "11" } },
        { name: "b", digest: { sha256: "22" } },
      ],
    ]);
    const { buildDefinition, runDetails } = statement.predicate;
    expect(new URL(buildDefinition.buildType).protocol).toBe("https:");
    expect(buildDefinition.externalParameters).toEqual({ version: "v1", ...INPUT.parameters });
    expect(buildDefinition.resolvedDependencies[0]).toEqual({
      ...{ uri: "git+https://github.com/k3os/k3os@refs/tags/v1", digest: { gitCommit: "c".repeat(40) } },
    });
    expect(runDetails.builder.id).toEndWith("#local");
  });

  test("names the workflow that has built it", () => {
    const env = {
      GITHUB_SERVER_URL: "https://github.com",
      GITHUB_WORKFLOW_REF: "k3os/k3os/.github/workflows/release.yml@v1",
    };
    expect(JSON.parse(provenance(INPUT, { env })).predicate.runDetails.builder.id).toBe(
      "https://github.com/k3os/k3os/.github/workflows/release.yml@v1",
    );
  });
});

describe("readProvenance()", () => {
  test("returns what a release is made of", async () => {
    expect(await readProvenance(provenance(INPUT, { env: {} }))).toEqual({
      ...{ version: "v1", commit: "c".repeat(40), dirty: ["a b"] },
      inputs: new Map([["package-lock.json", "33"]]),
    });
  });

  test.each(["", "{}", '{"predicateType":"https://slsa.dev/provenance/v0.2"}'])(
    "refuses %j",
    async (text) => {
      expect(await readProvenance(text).then(String, messageOf)).toStartWith(
        'Reading "k3os-provenance.json"',
      );
    },
  );
});
