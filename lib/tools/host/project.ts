/** The project's address: the same as in package.json. */
export const PROJECT_URL = "https://github.com/k3os/k3os";
/** Its releases, a page for each version. */
export const RELEASES_URL = `${PROJECT_URL}/releases`;
