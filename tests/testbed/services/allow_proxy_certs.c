/* Preloaded into Apache: lets OpenSSL accept RFC 3820 proxy certificates.
 *
 * OpenSSL 3 dropped the environment variable for this and mod_ssl has no directive, so the flag is set on every context
 * on its way through SSL_CTX_set_verify, which mod_ssl calls once for each virtual host. */
#define _GNU_SOURCE
#include <dlfcn.h>

#define X509_V_FLAG_ALLOW_PROXY_CERTS 0x40UL

typedef void set_verify(void *ctx, int mode, void *callback);
typedef void *get_param(void *ctx);
typedef int set_flags(void *param, unsigned long flags);

void SSL_CTX_set_verify(void *ctx, int mode, void *callback)
{
    get_param *param_of = (get_param *)dlsym(RTLD_DEFAULT, "SSL_CTX_get0_param");
    set_flags *add_flags = (set_flags *)dlsym(RTLD_DEFAULT, "X509_VERIFY_PARAM_set_flags");
    set_verify *original = (set_verify *)dlsym(RTLD_NEXT, "SSL_CTX_set_verify");

    add_flags(param_of(ctx), X509_V_FLAG_ALLOW_PROXY_CERTS);
    original(ctx, mode, callback);
}
