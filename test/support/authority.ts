import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A certificate authority of a test, made by openssl, and what it signed; all PEM. */
export interface Authority {
  readonly ca: string;
  /** For a server on 127.0.0.1. */
  readonly server: { readonly cert: string; readonly key: string };
  /** For a client with that common name. */
  client(name: string): { readonly cert: string; readonly key: string };
}

/** Makes an authority; each call makes another. */
export function makeAuthority(name = "authority of a test"): Authority {
  const ca = openssl((path) => [
    ...["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-x509", "-days", "2"],
    ...["-subj", `/CN=${name}`, "-keyout", path("key"), "-out", path("cert")],
  ]);
  const sign = (subject: string, extension: string) =>
    openssl((path) => {
      writeFileSync(path("ca.cert"), ca.cert);
      writeFileSync(path("ca.key"), ca.key);
      return [
        ...["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-x509", "-days", "2"],
        ...["-CA", path("ca.cert"), "-CAkey", path("ca.key"), "-subj", `/CN=${subject}`],
        ...["-addext", extension, "-addext", "basicConstraints=critical,CA:FALSE"],
        ...["-keyout", path("key"), "-out", path("cert")],
      ];
    });
  const clients = new Map<string, { readonly cert: string; readonly key: string }>();
  return {
    ca: ca.cert,
    server: sign("server", "subjectAltName=IP:127.0.0.1"),
    client: (subject) => {
      const client = clients.get(subject) ?? sign(subject, "extendedKeyUsage=clientAuth");
      clients.set(subject, client);
      return client;
    },
  };
}

function openssl(args: (path: (name: string) => string) => readonly string[]): { cert: string; key: string } {
  const directory = mkdtempSync(join(tmpdir(), "k3os-authority-"));
  try {
    const path = (name: string) => join(directory, name);
    execFileSync("openssl", ["req", ...args(path)], { stdio: "pipe" });
    return { cert: readFileSync(path("cert"), "utf8"), key: readFileSync(path("key"), "utf8") };
  } finally {
    rmSync(directory, { recursive: true });
  }
}
