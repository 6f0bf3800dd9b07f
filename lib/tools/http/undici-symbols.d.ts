/** undici's names of the properties that it adds to foreign objects; the package has no types for them. */
declare module "undici/lib/core/symbols.js" {
  const symbols: { readonly kParser: symbol };
  export = symbols;
}
