/*
 * The executable where no static JavaScript runtime exists (armv7). This static program carries Node.js for Debian,
 * the libraries it needs and the bundled program as an archive behind itself. The first start unpacks the archive
 * into a directory, in memory where there is one; every start executes Node.js from there.
 *
 * The file: this program | zstd frames | index (entries, patches) | trailer. lib/make/executable/archive.ts writes it.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <zstd.h>
#include "environment.h"

#define NAME_SIZE 48

/* A file of the archive. The files follow each other in the decompressed stream, in this order. */
struct entry {
	char name[NAME_SIZE];
	uint64_t size;
};

/* A place in a file where the path of another is to be written: Node.js finds parts of itself by absolute paths. */
struct patch {
	char name[NAME_SIZE];
	uint32_t entry;
	uint32_t capacity; /* bytes, with the final NUL */
	uint64_t offset;
};

struct trailer {
	uint64_t archive_offset;
	uint64_t archive_size;
	uint32_t entries;
	uint32_t patches;
	char runtime[8]; /* names the directory: a hash of the runtime's files; without a NUL */
	char script[NAME_SIZE];
	char magic[8];
};

static const char magic[8] = "K3OSNODE";

struct archive {
	int fd;
	struct trailer trailer;
	struct entry *entries;
	struct patch *patches;
};

static void die(const char *what)
{
	dprintf(2, "Error: Cannot start the runtime: %s: %s\n", what, strerror(errno));
	_exit(126);
}

static void read_at(int fd, void *to, size_t size, uint64_t offset)
{
	errno = EINVAL; /* for an end of file */
	if (pread(fd, to, size, (off_t)offset) != (ssize_t)size) die("reading the executable");
}

static void *allocate(size_t size)
{
	void *memory = malloc(size ? size : 1);
	if (!memory) die("memory");
	return memory;
}

static struct archive open_archive(const char *self)
{
	struct archive archive;
	struct stat status;
	archive.fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (archive.fd < 0) archive.fd = open(self, O_RDONLY | O_CLOEXEC);
	if (archive.fd < 0 || fstat(archive.fd, &status)) die(self);
	struct trailer *trailer = &archive.trailer;
	read_at(archive.fd, trailer, sizeof *trailer, status.st_size - sizeof *trailer);
	if (memcmp(trailer->magic, magic, sizeof magic)) {
		errno = EINVAL;
		die("the executable is cut off");
	}
	uint64_t index = trailer->archive_offset + trailer->archive_size;
	size_t entries_size = trailer->entries * sizeof(struct entry);
	size_t patches_size = trailer->patches * sizeof(struct patch);
	archive.entries = allocate(entries_size);
	archive.patches = allocate(patches_size);
	read_at(archive.fd, archive.entries, entries_size, index);
	read_at(archive.fd, archive.patches, patches_size, index + entries_size);
	return archive;
}

static int is_unpacked(int directory, const struct entry *entry)
{
	struct stat status;
	return !fstatat(directory, entry->name, &status, AT_SYMLINK_NOFOLLOW) && S_ISREG(status.st_mode)
		&& (uint64_t)status.st_size == entry->size;
}

static int is_complete(int directory, const struct archive *archive)
{
	for (uint32_t i = 0; i < archive->trailer.entries; i++)
		if (!is_unpacked(directory, &archive->entries[i])) return 0;
	return 1;
}

static int write_all(int fd, const char *bytes, size_t size)
{
	while (size) {
		ssize_t written = write(fd, bytes, size);
		if (written < 0) return -1;
		bytes += written;
		size -= written;
	}
	return 0;
}

/* Whether the paths of the directory's files are short enough for all places where they are to be written. */
static int fits(const struct archive *archive, const char *path)
{
	for (uint32_t i = 0; i < archive->trailer.patches; i++) {
		const struct patch *patch = &archive->patches[i];
		if (strlen(path) + 1 + strnlen(patch->name, NAME_SIZE) + 1 > patch->capacity) return 0;
	}
	return 1;
}

static int apply_patches(int fd, uint32_t entry, const struct archive *archive, const char *path)
{
	for (uint32_t i = 0; i < archive->trailer.patches; i++) {
		const struct patch *patch = &archive->patches[i];
		char target[PATH_MAX + NAME_SIZE];
		if (patch->entry != entry) continue;
		int size = snprintf(target, sizeof target, "%s/%.*s", path, NAME_SIZE, patch->name) + 1;
		if (pwrite(fd, target, size, (off_t)patch->offset) != size) return -1;
	}
	return 0;
}

/* Decompressed bytes of the archive, read one after the other. */
struct stream {
	ZSTD_DStream *zstd;
	ZSTD_inBuffer in;
	char buffer[1 << 17];
	size_t used, filled;
};

static int refill(struct stream *stream)
{
	ZSTD_outBuffer out = { stream->buffer, sizeof stream->buffer, 0 };
	while (!out.pos) {
		size_t result = ZSTD_decompressStream(stream->zstd, &out, &stream->in);
		int at_end = stream->in.pos == stream->in.size && !out.pos;
		if (!ZSTD_isError(result) && !at_end) continue;
		errno = EIO;
		return -1;
	}
	stream->used = 0;
	stream->filled = out.pos;
	return 0;
}

/* Moves the next `size` bytes to `fd`, or past them if it is negative. */
static int copy(struct stream *stream, uint64_t size, int fd)
{
	while (size) {
		if (stream->used == stream->filled && refill(stream)) return -1;
		size_t part = stream->filled - stream->used;
		if (part > size) part = size;
		if (fd >= 0 && write_all(fd, stream->buffer + stream->used, part)) return -1;
		stream->used += part;
		size -= part;
	}
	return 0;
}

/* Every file appears whole or not at all, so that several processes may unpack at the same time. */
static int unpack_entry(struct stream *stream, uint32_t number, const struct archive *archive, int directory, const char *path)
{
	const struct entry *entry = &archive->entries[number];
	char partial[NAME_SIZE + 32];
	if (is_unpacked(directory, entry)) return copy(stream, entry->size, -1);
	snprintf(partial, sizeof partial, "%s.%d", entry->name, (int)getpid());
	unlinkat(directory, partial, 0); /* of an earlier process of this number */
	int fd = openat(directory, partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0755);
	if (fd < 0) return -1;
	int failed = copy(stream, entry->size, fd) || apply_patches(fd, number, archive, path);
	failed |= close(fd) || failed || renameat(directory, partial, directory, entry->name);
	if (!failed) return 0;
	int error = errno;
	unlinkat(directory, partial, 0);
	errno = error;
	return -1;
}

static int unpack(const struct archive *archive, int directory, const char *path)
{
	static struct stream stream;
	const struct trailer *trailer = &archive->trailer;
	size_t mapped = trailer->archive_offset + trailer->archive_size;
	char *file = mmap(0, mapped, PROT_READ, MAP_PRIVATE, archive->fd, 0);
	if (file == MAP_FAILED) return -1;
	stream = (struct stream){ .zstd = ZSTD_createDStream() };
	stream.in = (ZSTD_inBuffer){ file + trailer->archive_offset, trailer->archive_size, 0 };
	int failed = 0;
	for (uint32_t i = 0; !failed && i < trailer->entries; i++)
		failed = unpack_entry(&stream, i, archive, directory, path);
	int error = errno;
	ZSTD_freeDStream(stream.zstd);
	munmap(file, mapped);
	errno = error;
	return failed;
}

/* Gives back the room of what could not be unpacked whole: it may be memory. */
static void clear(int directory, const struct archive *archive, const char *path)
{
	int error = errno;
	for (uint32_t i = 0; i < archive->trailer.entries; i++) unlinkat(directory, archive->entries[i].name, 0);
	rmdir(path);
	errno = error;
}

/* A directory that only we can have filled. */
static int open_own_directory(const char *path)
{
	struct stat status;
	if (mkdir(path, 0755) && errno != EEXIST) return -1;
	int directory = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (directory < 0) return -1;
	int ours = !fstat(directory, &status) && status.st_uid == geteuid() && !(status.st_mode & 022);
	if (ours) return directory;
	close(directory);
	errno = EPERM;
	return -1;
}

/* Whether the runtime is, or could be made, ready below `base`; its directory then is `path`. */
static int ready_below(const char *base, const struct archive *archive, char path[PATH_MAX])
{
	struct statvfs file_system;
	if (!base || base[0] != '/' || statvfs(base, &file_system)) return 0;
	if (file_system.f_flag & ST_NOEXEC) {
		errno = EACCES;
		return 0;
	}
	const char *runtime = archive->trailer.runtime;
	int length = snprintf(path, PATH_MAX, "%s/k3os-%.8s-%u", base, runtime, (unsigned)geteuid());
	if (length >= PATH_MAX || !fits(archive, path)) {
		errno = ENAMETOOLONG;
		return 0;
	}
	int directory = open_own_directory(path);
	if (directory < 0) return 0;
	int ready = is_complete(directory, archive) || !unpack(archive, directory, path);
	if (!ready) clear(directory, archive, path);
	close(directory);
	return ready;
}

static int mount_run(void)
{
	mkdir("/run", 0755);
	return mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755");
}

static void prepare_runtime(const struct archive *archive, char path[PATH_MAX])
{
	/* Debian mounts /run without permission to execute, others /dev/shm or /tmp */
	const char *bases[] = { getenv("K3OS_RUNTIME_DIR"), "/run", "/dev/shm", getenv("XDG_RUNTIME_DIR"), "/tmp", "/var/tmp" };
	for (size_t i = 0; i < sizeof bases / sizeof *bases; i++)
		if (ready_below(bases[i], archive, path)) return;
	if (geteuid() == 0 && !mount_run() && ready_below("/run", archive, path)) return;
	die("no directory to unpack it into (set K3OS_RUNTIME_DIR to one that programs may be executed from)");
}

static char *join(const char *directory, const char *name)
{
	char *path;
	if (asprintf(&path, "%s/%.*s", directory, NAME_SIZE, name) < 0) die("memory");
	return path;
}

int main(int argc, char **argv, char **environment)
{
	char self[PATH_MAX], directory[PATH_MAX];
	clean_environment(environment);
	if (!realpath((const char *)getauxval(AT_EXECFN), self)) die("finding the executable");
	struct archive archive = open_archive(self);
	prepare_runtime(&archive, directory);

	/* the bundle makes it process.execPath, and removes the variable */
	if (setenv("K3OS_SELF", self, 1)) die("memory");
	char *loader = join(directory, "ld-linux-armhf.so.3");
	char *const fixed[] = {
		loader, "--inhibit-cache", "--library-path", directory, "--argv0", argc > 0 ? argv[0] : self,
		join(directory, "node"), join(directory, archive.trailer.script),
	};
	size_t count = sizeof fixed / sizeof *fixed;
	char **arguments = allocate((count + argc + 1) * sizeof *arguments);
	memcpy(arguments, fixed, sizeof fixed);
	for (int i = 1; i < argc; i++) arguments[count++] = argv[i];
	arguments[count] = 0;
	execv(loader, arguments);
	die(loader);
}
