/** undici's own names of the properties that it hangs on foreign objects; the package has no types for them. */
declare module "undici/lib/core/symbols.js" {
  const symbols: { readonly kParser: symbol };
  export = symbols;
}
