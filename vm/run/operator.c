/* operator.c - who gives an order on this machine */
#include "vm/run/session.h"

#include <pwd.h>
#include <unistd.h>

void operator_print(struct buf *out)
{
	const struct passwd *user = getpwuid(geteuid());
	char host[200] = "";

	gethostname(host, sizeof(host) - 1);
	if (user)
		buf_text(out, user->pw_name);
	else
		buf_format(out, "%lld", (long long)geteuid());
	buf_format(out, "@%s", host);
}
