/* bar.c - what a run looks like while it goes on */
#include "vm/command/command.h"

#include "vm/base/os.h"

#include <string.h>
#include <unistd.h>

#define BAR_CELLS 30
#define REDRAW_MS 100

int64_t bar_eta_ms(int began_percent, int percent, int64_t elapsed_ms)
{
	int gained = percent - began_percent;

	if (gained <= 0 || elapsed_ms <= 0 || percent >= 100)
		return -1;
	return elapsed_ms / gained * (100 - percent);
}

static void wipe(struct bar *b)
{
	if (b->drawn)
		fputs("\r\033[K", stdout);
	b->drawn = false;
}

static void draw(struct bar *b, const struct run_news *n, bool now)
{
	int64_t at = os_monotonic_ms(), eta;
	struct buf left = { 0 };
	int cells = n->progress * BAR_CELLS / 100;

	if (!now && at - b->drawn_ms < REDRAW_MS)
		return;
	b->drawn_ms = at;
	eta = bar_eta_ms(b->began_percent, n->progress, at - b->began_ms);
	if (eta >= 0 && !n->backward) {
		buf_text(&left, ", about ");
		duration_print(&left, (eta / 1000 + 1) * 1000);
		buf_text(&left, " left");
	}
	wipe(b);
	fputc('[', stdout);
	for (int i = 0; i < BAR_CELLS; i++)
		fputc(i < cells ? '#' : '.', stdout);
	fprintf(stdout, "] %3d%% %lld/%lld %s%s%s%.*s%.*s", n->progress,
		(long long)(n->index < n->count ? n->index + 1 : n->count), (long long)n->count,
		n->backward ? "undoing " : "", b->label, n->text.len ? ", " : "",
		STR_ARG(n->text), STR_ARG(buf_view(&left)));
	fflush(stdout);
	b->drawn = true;
	buf_clear(&left);
}

static void say(struct bar *b, const struct run_news *n, const char *what)
{
	wipe(b);
	fprintf(stdout, "%.*s: %s%s%.*s\n", STR_ARG(n->migration), what, n->text.len ? ": " : "",
		STR_ARG(n->text));
}

static void begin_operation(struct bar *b, const struct run_news *n)
{
	snprintf(b->label, sizeof(b->label), "%.*s", STR_ARG(n->label));
	if (!b->began_ms) {
		b->began_ms = os_monotonic_ms();
		b->began_percent = n->progress;
	}
	if (b->terminal)
		draw(b, n, false);
	else if (n->index >= n->count)
		fprintf(stdout, "[end] %.*s\n", STR_ARG(n->label));
	else
		fprintf(stdout, "[%lld/%lld] %s%.*s\n", (long long)n->index + 1,
			(long long)n->count, n->backward ? "undo " : "", STR_ARG(n->label));
}

/* What is said of an event in front of its text. NULL: it is shown in another way, or the error
 * that ends the command says it. */
static const char *words_of(enum run_event event)
{
	switch (event) {
	case EVENT_STARTED:		return "started";
	case EVENT_NOT_REQUIRED:	return "not required here";
	case EVENT_VERSION_ACCEPTED:	return "accepted by --accept";
	case EVENT_RESUMED:		return "goes on";
	case EVENT_TAKEN_OVER:		return "the process that ran it died; goes on";
	case EVENT_DOUBT_RESOLVED:	return "was in doubt";
	case EVENT_LOCK_AWAITED:	return "waits for";
	case EVENT_APPROVAL_AWAITED:	return "waits for an operator to";
	case EVENT_OPERATION_FAILED:	return "goes on, although";
	case EVENT_HEALTH_UNKNOWN:	return "asks again, healthcheck";
	case EVENT_SETTING_CHANGED:	return "sets";
	case EVENT_NOTICE_FAILED:	return "could not tell of it";
	case EVENT_NOT_FENCED:		return "goes on";
	case EVENT_REJECTED:		return "set aside";
	case EVENT_VERIFIED:		return "verified";
	case EVENT_RETRIED:		return "tries again after";
	case EVENT_STOP_HEARD:		return "stopping, after the current effect";
	case EVENT_ROLLBACK_STARTED:	return "rolling back";
	case EVENT_ROLLED_BACK:		return "rolled back";
	case EVENT_COMPLETED:		return "completed successfully";
	case EVENT_OPERATION_BEGUN:
	case EVENT_OPERATION_DONE:
	case EVENT_TICK:
	case EVENT_CHECKING:
	case EVENT_LOGGED:
	case EVENT_CAUGHT:
	case EVENT_FAILED_AT_STARTUP:
	case EVENT_IN_DOUBT:
	case EVENT_RESOLVED:
	case EVENT_TUNED:
	case EVENT_APPROVED:
	case EVENT_HALTED:
	case EVENT_STOPPED:
	case EVENT_ERRORED:
	case EVENT_COUNT:
		break;
	}
	return NULL;
}

static void hear(void *context, const struct run_news *n)
{
	struct bar *b = context;
	const char *words = words_of(n->event);

	if (words) {
		say(b, n, words);
	} else if (n->event == EVENT_OPERATION_BEGUN) {
		begin_operation(b, n);
	} else if (n->event == EVENT_OPERATION_DONE || n->event == EVENT_TICK) {
		if (b->terminal && n->count)
			draw(b, n, false);
	} else if (n->event == EVENT_CHECKING) {
		wipe(b);
		fprintf(stdout, "%.*s: %.*s \"%.*s\"\n", STR_ARG(n->migration), STR_ARG(n->text),
			STR_ARG(n->label));
	} else if (n->event == EVENT_LOGGED || n->event == EVENT_CAUGHT) {
		wipe(b);
		fprintf(stdout, "%s%.*s\n", n->event == EVENT_CAUGHT ? "caught: " : "",
			STR_ARG(n->text));
	}
}

void bar_init(struct bar *b, bool quiet)
{
	*b = (struct bar){ .terminal = isatty(STDOUT_FILENO) };
	if (!quiet)
		b->listener = (struct run_listener){ hear, b };
	if (!b->terminal)
		setvbuf(stdout, NULL, _IOLBF, 0);
}

void bar_end(struct bar *b)
{
	wipe(b);
	fflush(stdout);
}
