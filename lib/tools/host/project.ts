/** Where the project lives: package.json names the same. */
export const PROJECT_URL = "https://github.com/k3os/k3os";
/** What it publishes, a page for each version. */
export const RELEASES_URL = `${PROJECT_URL}/releases`;
