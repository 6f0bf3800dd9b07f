/** A well-formed public key of a type; its bytes mean nothing. */
export function makeKey(type: string, name: string): string {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(type.length);
  return `${type} ${Buffer.concat([length, Buffer.from(type), Buffer.from(name)]).toString("base64")} ${name}`;
}
