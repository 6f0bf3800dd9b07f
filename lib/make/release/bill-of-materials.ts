import { createHash } from "node:crypto";
import { Enums, Models, Serialize, Spec } from "@cyclonedx/cyclonedx-library";
import { PROJECT_URL } from "../../tools/host/project.ts";
import type { Arch } from "../../tools/host/targets.ts";
import type { Part } from "./components.ts";

/** What a bill of materials is about. */
export interface BillSubject {
  readonly version: string;
  readonly arch: Arch;
  /** The time in it, in seconds since the epoch. */
  readonly time: number;
}

/** The names of an architecture's bills in a release directory. */
export function billNames(arch: Arch): { readonly cyclonedx: string; readonly spdx: string } {
  return { cyclonedx: `k3os-sbom-${arch}.cdx.json`, spdx: `k3os-sbom-${arch}.spdx.json` };
}

/** A bill of materials in CycloneDX 1.6 (https://cyclonedx.org/docs/1.6/json/). The same input results in the same text. */
export function cyclonedxBill(parts: readonly Part[], subject: BillSubject): string {
  const { version, time } = subject;
  const bom = new Models.Bom({ version: 1, serialNumber: `urn:uuid:${uuidOf(subject, parts)}` });
  bom.metadata.timestamp = new Date(time * 1000);
  bom.metadata.component = new Models.Component(Enums.ComponentType.OperatingSystem, "k3os", {
    version,
    bomRef: "k3os",
    purl: `pkg:github/k3os/k3os@${encodeURIComponent(version)}`,
  });
  for (const { name, version: own, purl, sha256 } of parts) {
    const hashes = new Models.HashDictionary(sha256 ? [[Enums.HashAlgorithm["SHA-256"], sha256]] : []);
    const component = new Models.Component(Enums.ComponentType.Library, name, {
      version: own,
      bomRef: purl,
      purl,
      hashes,
    });
    bom.components.add(component);
    bom.metadata.component.dependencies.add(component.bomRef);
  }
  const normalize = new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6);
  return `${new Serialize.JsonSerializer(normalize).serialize(bom, { sortLists: true, space: 1 })}\n`;
}

/** A bill of materials in SPDX 2.3 (https://spdx.github.io/spdx-spec/v2.3/). The same input results in the same text. */
export function spdxBill(parts: readonly Part[], subject: BillSubject): string {
  const { version, arch, time } = subject;
  const unknown = {
    downloadLocation: "NOASSERTION",
    filesAnalyzed: false,
    licenseConcluded: "NOASSERTION",
    licenseDeclared: "NOASSERTION",
    copyrightText: "NOASSERTION",
  };
  const packages = parts.map(({ name, version: own, purl, sha256 }, index) => ({
    SPDXID: `SPDXRef-${index + 1}`,
    name,
    versionInfo: own,
    ...unknown,
    ...(sha256 && { checksums: [{ algorithm: "SHA256", checksumValue: sha256 }] }),
    externalRefs: [{ referenceCategory: "PACKAGE-MANAGER", referenceType: "purl", referenceLocator: purl }],
  }));
  const root = { SPDXID: "SPDXRef-k3os", name: "k3os", versionInfo: version, ...unknown };
  const relationships = [
    { spdxElementId: "SPDXRef-DOCUMENT", relationshipType: "DESCRIBES", relatedSpdxElement: root.SPDXID },
    ...packages.map(({ SPDXID }) => ({
      spdxElementId: root.SPDXID,
      relationshipType: "CONTAINS",
      relatedSpdxElement: SPDXID,
    })),
  ];
  const document = {
    spdxVersion: "SPDX-2.3",
    dataLicense: "CC0-1.0",
    SPDXID: "SPDXRef-DOCUMENT",
    name: `k3os-${version}-${arch}`,
    documentNamespace: `${PROJECT_URL}/sbom/${uuidOf(subject, parts)}`,
    creationInfo: {
      created: instant(time),
      creators: ["Organization: k3OS", `Tool: k3os-release-${version}`],
    },
    packages: [root, ...packages],
    relationships,
  };
  return `${JSON.stringify(document, undefined, 1)}\n`;
}

/** A UUID (RFC 9562, version 8) of the content: the same release has the same. */
function uuidOf(subject: BillSubject, parts: readonly Part[]): string {
  const hex = createHash("sha256")
    .update(JSON.stringify([subject, parts]))
    .digest("hex");
  const groups = [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `a${hex.slice(17, 20)}`];
  return [...groups, hex.slice(20, 32)].join("-");
}

function instant(time: number): string {
  return new Date(time * 1000).toISOString().replace(/\.\d+Z$/, "Z");
}
