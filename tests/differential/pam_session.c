/* Opens a PAM session for each user in turn, in a child of its own, and says what limits it got.
 *
 *   pam_session DIRECTORY USER...
 *
 * DIRECTORY holds trees 0, 1, 2...; each is bound over /etc/security in turn (the caller made a private
 * mount namespace). Prints "tree user soft hard" or "tree user refused".
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* The few declarations of <security/pam_appl.h> that are used, so that no header package is needed. */
struct pam_conv {
    int (*conv)(int, const void **, void **, void *);
    void *data;
};
int pam_start(const char *service, const char *user, const struct pam_conv *conv, void **handle);
int pam_open_session(void *handle, int flags);

static int refuse(int n, const void **m, void **r, void *d)
{
    (void)n, (void)m, (void)r, (void)d;
    return 19; /* PAM_CONV_ERR */
}

static void session(int tree, const char *user)
{
    struct pam_conv conv = {refuse, NULL};
    struct rlimit limit;
    void *handle = NULL;

    if (pam_start("hosttune-test", user, &conv, &handle) != 0 || pam_open_session(handle, 0x8000) != 0) {
        printf("%d %s refused\n", tree, user);
    } else {
        getrlimit(RLIMIT_NOFILE, &limit);
        printf("%d %s %llu %llu\n", tree, user, (unsigned long long)limit.rlim_cur,
               (unsigned long long)limit.rlim_max);
    }
    fflush(stdout);
    _exit(0);
}

int main(int argc, char **argv)
{
    char path[4096];
    struct stat there;

    for (int tree = 0;; tree++) {
        snprintf(path, sizeof path, "%s/%d", argv[1], tree);
        if (stat(path, &there) != 0)
            return 0;
        if (mount(path, "/etc/security", NULL, MS_BIND, NULL) != 0) {
            perror("mount");
            return 1;
        }
        for (int i = 2; i < argc; i++) {
            pid_t child = fork();
            if (child == 0)
                session(tree, argv[i]);
            waitpid(child, NULL, 0);
        }
        umount2("/etc/security", MNT_DETACH);
    }
}
