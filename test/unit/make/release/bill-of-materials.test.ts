import { describe, expect, test } from "bun:test";
import { Spec, Validation } from "@cyclonedx/cyclonedx-library";
import { billNames, cyclonedxBill, spdxBill } from "../../../../lib/make/release/bill-of-materials.ts";

const SUBJECT = { version: "v0.36.3-k3s1r0", arch: "amd64", time: 1_790_000_000 } as const;
const PARTS = [
  { name: "libc6", version: "2.41-12", purl: "pkg:deb/debian/libc6@2.41-12?arch=amd64&distro=trixie" },
  {
    name: "k3s",
    version: "v1.36.3+k3s1",
    purl: "pkg:github/k3s-io/k3s@v1.36.3%2Bk3s1",
    sha256: "ab".repeat(32),
  },
];

describe("cyclonedxBill()", () => {
  test("meets the schema of CycloneDX", async () => {
    const text = cyclonedxBill(PARTS, SUBJECT);
    const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot6);
    expect(await validator.validate(text)).toBeNull();
    expect(await validator.validate(text.replace('"bomFormat"', '"format"'))).not.toBeNull();
  });

  test("has each part once, with its digest, and is the same for the same parts", () => {
    const { components, metadata } = JSON.parse(cyclonedxBill(PARTS, SUBJECT));
    expect(components.map(({ purl }: { purl: string }) => purl).sort()).toEqual(
      PARTS.map(({ purl }) => purl).sort(),
    );
    expect(JSON.stringify(components)).toContain(`"content":"${"ab".repeat(32)}"`);
    expect(metadata.component).toMatchObject({ name: "k3os", version: SUBJECT.version });
    expect(cyclonedxBill(PARTS, SUBJECT)).toBe(cyclonedxBill(PARTS, SUBJECT));
    expect(cyclonedxBill(PARTS.slice(1), SUBJECT)).not.toContain("libc6");
  });
});

describe("spdxBill()", () => {
  test("has what SPDX 2.3 requires of a document and its packages", () => {
    const bill = JSON.parse(spdxBill(PARTS, SUBJECT));
    expect(bill).toMatchObject({
      ...{ spdxVersion: "SPDX-2.3", dataLicense: "CC0-1.0", SPDXID: "SPDXRef-DOCUMENT" },
      creationInfo: { created: "2026-09-21T14:13:20Z" },
    });
    expect(new URL(bill.documentNamespace).hash).toBe("");
    for (const one of bill.packages) {
      expect(one).toMatchObject({
        SPDXID: expect.stringMatching(/^SPDXRef-[A-Za-z0-9.-]+$/),
        filesAnalyzed: false,
      });
      expect(one.downloadLocation).toBe("NOASSERTION");
    }
  });

  test("leads from the document over k3OS to each part", () => {
    const { packages, relationships } = JSON.parse(spdxBill(PARTS, SUBJECT));
    const ids = packages.map(({ SPDXID }: { SPDXID: string }) => SPDXID);
    expect(new Set(ids).size).toBe(3);
    expect(relationships.map((one: Record<string, string>) => one.relatedSpdxElement)).toEqual(ids);
    expect(JSON.stringify(packages[2])).toContain('"checksumValue":"abab');
  });
});

test("billNames() has no name of another architecture", () => {
  expect(Object.values(billNames("arm"))).toEqual(["k3os-sbom-arm.cdx.json", "k3os-sbom-arm.spdx.json"]);
});
