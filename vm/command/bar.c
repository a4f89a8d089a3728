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
	fprintf(stdout, "] %3d%% %lld/%lld %s%s%.*s", n->progress,
		(long long)(n->index < n->count ? n->index + 1 : n->count), (long long)n->count,
		n->backward ? "undoing " : "", b->label, STR_ARG(buf_view(&left)));
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
	else
		fprintf(stdout, "[%lld/%lld] %s%.*s\n", (long long)n->index + 1,
			(long long)n->count, n->backward ? "undo " : "", STR_ARG(n->label));
}

/* What holds a run up without ending it. */
static const char *delay_words(enum run_event event)
{
	if (event == EVENT_LOCK_AWAITED)
		return "waits for";
	return event == EVENT_OPERATION_FAILED ? "goes on, although" : "asks again, healthcheck";
}

static void hear(void *context, const struct run_news *n)
{
	struct bar *b = context;

	switch (n->event) {
	case EVENT_OPERATION_BEGUN:
		begin_operation(b, n);
		break;
	case EVENT_OPERATION_DONE:
	case EVENT_TICK:
		if (b->terminal && n->count)
			draw(b, n, false);
		break;
	case EVENT_CHECKING:
		wipe(b);
		fprintf(stdout, "%.*s: %.*s \"%.*s\"\n", STR_ARG(n->migration), STR_ARG(n->text),
			STR_ARG(n->label));
		break;
	case EVENT_LOGGED:
		wipe(b);
		fprintf(stdout, "%.*s\n", STR_ARG(n->text));
		break;
	case EVENT_CAUGHT:
		wipe(b);
		fprintf(stdout, "caught: %.*s\n", STR_ARG(n->text));
		break;
	case EVENT_STARTED:
		say(b, n, "started");
		break;
	case EVENT_NOT_REQUIRED:
		say(b, n, "not required here");
		break;
	case EVENT_VERSION_ACCEPTED:
		say(b, n, "accepted by --accept");
		break;
	case EVENT_RESUMED:
		say(b, n, "goes on");
		break;
	case EVENT_TAKEN_OVER:
		say(b, n, "the process that ran it died; goes on");
		break;
	case EVENT_DOUBT_RESOLVED:
		say(b, n, "was in doubt");
		break;
	case EVENT_LOCK_AWAITED:
	case EVENT_OPERATION_FAILED:
	case EVENT_HEALTH_UNKNOWN:
		say(b, n, delay_words(n->event));
		break;
	case EVENT_NOT_FENCED:
		say(b, n, "goes on");
		break;
	case EVENT_RETRIED:
		say(b, n, "tries again after");
		break;
	case EVENT_STOP_HEARD:
		say(b, n, "stopping, after the current effect");
		break;
	case EVENT_ROLLBACK_STARTED:
		say(b, n, "rolling back");
		break;
	case EVENT_ROLLED_BACK:
		say(b, n, "rolled back");
		break;
	case EVENT_COMPLETED:
		say(b, n, "completed successfully");
		break;
	/* The error that ends the command says these. */
	case EVENT_FAILED_AT_STARTUP:
	case EVENT_IN_DOUBT:
	case EVENT_RESOLVED:
	case EVENT_STOPPED:
	case EVENT_ERRORED:
	case EVENT_COUNT:
		break;
	}
}

void bar_init(struct bar *b, bool quiet)
{
	*b = (struct bar){ .quiet = quiet, .terminal = isatty(STDOUT_FILENO) };
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
