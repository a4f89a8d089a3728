/*
 * simulate.c - the program: schedules by their seeds, in two processes or as many as there are
 * processors
 *
 *   simulate BUNDLE --schedules N [--from SEED] [--mutant NAME]   the first violation ends it
 *   simulate BUNDLE --seed SEED [--mutant NAME]                   shows one schedule
 *   simulate BUNDLE --schedules N --mutants                       every mutant must be noticed
 */
#include "tests/simulate/simulate.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define JOBS_MAX 64

/* Shared by all processes. */
struct progress_of {
	uint64_t current[JOBS_MAX], done[JOBS_MAX], found[JOBS_MAX];
	char words[JOBS_MAX][400];
	uint64_t least; /* the first seed with a violation, UINT64_MAX: none */
};
static struct progress_of *shared;

static const struct mutant_row {
	const char *word, *sentence;
} mutants[] = {
	{ "none", "" },
#define MUTANT(name, word, sentence) { word, sentence },
#include "vm/base/mutant.def"
#undef MUTANT
};

struct options {
	const char *bundle;
	uint64_t schedules, from, seed;
	bool one, all_mutants;
	int jobs;
};

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void open_bundle(struct bundle *b, const char *path)
{
	struct error err = { 0 };

	if (bundle_read(b, path, &err) == OUTCOME_OK)
		return;
	fprintf(stderr, "simulate: %s\n", err.message);
	exit(2);
}

/* One process: every jobs-th seed, as long as nobody has found a smaller one. */
static void run_share(const struct options *o, int job)
{
	struct bundle bundle;

	open_bundle(&bundle, o->bundle);
	state_prepare();
	for (uint64_t i = (uint64_t)job; i < o->schedules; i += (uint64_t)o->jobs) {
		uint64_t seed = o->from + i;

		if (seed > __atomic_load_n(&shared->least, __ATOMIC_RELAXED))
			break;
		shared->current[job] = seed;
		if (!world_run(seed, &bundle, false)) {
			shared->found[job] = seed;
			snprintf(shared->words[job], sizeof(shared->words[job]), "%s: %s",
				 world.plan->name, world.violation);
			if (seed < shared->least)
				__atomic_store_n(&shared->least, seed, __ATOMIC_RELAXED);
			break;
		}
		shared->done[job]++;
	}
	_exit(0);
}

/* The number of schedules until the first violation, 0: there was none; *done: all of them. */
static uint64_t run_all(const struct options *o, uint64_t *done, const char **words)
{
	uint64_t least = UINT64_MAX;
	pid_t pids[JOBS_MAX];
	int status;

	memset(shared, 0, sizeof(*shared));
	shared->least = UINT64_MAX;
	fflush(stdout);
	for (int job = 0; job < o->jobs; job++) {
		pids[job] = fork();
		if (pids[job] == 0)
			run_share(o, job);
	}
	*done = 0;
	for (int job = 0; job < o->jobs; job++) {
		waitpid(pids[job], &status, 0);
		if (status != 0 && !shared->found[job]) {
			shared->found[job] = shared->current[job];
			snprintf(shared->words[job], sizeof(shared->words[job]),
				 "the process ended with status %d", status);
		}
		if (shared->found[job] && shared->found[job] < least) {
			least = shared->found[job];
			*words = shared->words[job];
		}
		*done += shared->done[job];
	}
	return least == UINT64_MAX ? 0 : least - o->from + 1;
}

static int run_schedules(const struct options *o)
{
	double began = seconds();
	const char *words = "";
	uint64_t done, found = run_all(o, &done, &words);

	printf("%llu schedules in %.1f s, %.0f a second\n", (unsigned long long)done,
	       seconds() - began, (double)done / (seconds() - began));
	if (!found)
		return 0;
	printf("seed %llu: %s\n`make simulate SEED=%llu%s%s` shows it\n",
	       (unsigned long long)(o->from + found - 1), words,
	       (unsigned long long)(o->from + found - 1), mutant_now ? " MUTANT=" : "",
	       mutant_now ? mutants[mutant_now].word : "");
	return 1;
}

static int run_mutants(const struct options *o)
{
	int missed = 0;

	for (int m = 1; m < MUTANT_COUNT; m++) {
		const char *words = "";
		uint64_t done, found;

		mutant_now = (enum mutant)m;
		found = run_all(o, &done, &words);
		if (found)
			printf("%-14s noticed by schedule %llu: %s\n", mutants[m].word,
			       (unsigned long long)found, words);
		else
			printf("%-14s NOT NOTICED in %llu schedules: %s\n", mutants[m].word,
			       (unsigned long long)done, mutants[m].sentence);
		missed += !found;
	}
	printf("%d of %d mutants were noticed\n", MUTANT_COUNT - 1 - missed, MUTANT_COUNT - 1);
	return missed ? 1 : 0;
}

NO_RETURN static void run_one(const struct options *o)
{
	struct bundle bundle;
	bool good;

	open_bundle(&bundle, o->bundle);
	state_prepare();
	good = world_run(o->seed, &bundle, true);
	printf("%s\n", good ? "nothing is violated" : world.violation);
	fflush(stdout);
	_exit(good ? 0 : 1); /* what processes that were killed had is nobody's any more */
}

static enum mutant mutant_of(const char *word)
{
	for (int i = 0; i < MUTANT_COUNT; i++)
		if (strcmp(word, mutants[i].word) == 0)
			return (enum mutant)i;
	fprintf(stderr, "simulate: there is no mutant %s\n", word);
	exit(2);
}

static void read_options(struct options *o, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : "";

		if (strcmp(argv[i], "--mutants") == 0) {
			o->all_mutants = true;
			continue;
		}
		if (argv[i][0] != '-') {
			o->bundle = argv[i];
			continue;
		}
		if (strcmp(argv[i], "--schedules") == 0)
			o->schedules = strtoull(value, NULL, 10);
		else if (strcmp(argv[i], "--from") == 0)
			o->from = strtoull(value, NULL, 10);
		else if (strcmp(argv[i], "--jobs") == 0)
			o->jobs = atoi(value);
		else if (strcmp(argv[i], "--mutant") == 0)
			mutant_now = mutant_of(value);
		else if (strcmp(argv[i], "--seed") == 0)
			o->one = true, o->seed = strtoull(value, NULL, 10);
		i++;
	}
}

int main(int argc, char **argv)
{
	struct options o = { .schedules = 1000, .from = 1 };

	o.jobs = (int)sysconf(_SC_NPROCESSORS_ONLN);
	read_options(&o, argc, argv);
	if (!o.bundle || o.jobs < 1 || o.jobs > JOBS_MAX) {
		fprintf(stderr, "simulate BUNDLE [--schedules N] [--from SEED] [--seed SEED] "
				"[--mutant NAME] [--mutants] [--jobs N]\n");
		return 2;
	}
	mallopt(M_TRIM_THRESHOLD, 64 << 20); /* what a schedule gives back the next one takes */
	mallopt(M_TOP_PAD, 1 << 20);
	mallopt(M_MMAP_THRESHOLD, 64 << 20);
	setenv("AMIG_STORE_URL", "sim:store", 1);
	setenv("AMIG_FAR_URL", "sim:far", 1);
	setenv("AMIG_PLAIN_URL", "sim:plain", 1);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	if (shared == MAP_FAILED)
		return 2;
	if (o.one)
		run_one(&o);
	return o.all_mutants ? run_mutants(&o) : run_schedules(&o);
}
