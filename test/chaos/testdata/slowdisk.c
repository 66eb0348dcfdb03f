/* A disk that takes a second and a half to sync. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <unistd.h>

int fdatasync(int fd) {
	int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
	usleep(1500 * 1000);
	return real(fd);
}
