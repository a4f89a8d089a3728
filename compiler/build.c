/* build.c - see build.h */
#include "compiler/build.h"
#include "compiler/lint.h"
#include "compiler/write.h"
#include "vm/base/parallel.h"

/* Files of a batch: enough that loading the modules they use weighs little, few enough that a
 * batch's memory stays in the caches. */
#define BATCH_FILES 64u

struct input {				/* a file that was found */
	const struct file_path *file;
	struct buf text;		/* empty again when it is known */
	struct hash hash;
	bool unread;
	const struct record_file *known;	/* it has not changed; NULL */
};

struct batch {
	struct written written;
	struct diags diags;
	/* There is more to say than warnings of its files, or more to see than its files. */
	bool failed;
};

struct build {
	struct files *files;
	struct record record;		/* of the bundle before */
	/* By number in the record: it differs from what it was, or is gone. */
	bool *new_library;
	size_t count;
	struct input *inputs;
	size_t changed_count;
	uint32_t *changed;		/* inputs to compile */
	struct batch *batches;
};

static unsigned jobs(const struct build *b)
{
	return b->files->line->jobs ? b->files->line->jobs : parallel_processors();
}

/* ---- what is known ---- */

/* Finds each library of the record as a `use` would now. */
static void compare_libraries(struct build *b)
{
	struct files finder;

	b->new_library = arena_array(&b->record.arena, bool, b->record.library_count);
	files_begin(&finder, b->files->line, true);
	for (uint32_t i = 0; i < b->record.library_count; i++) {
		const struct record_library *library = &b->record.libraries[i];
		struct str shown, text = files_module(&finder, library->name, &shown);

		b->new_library[i] = !text.ptr || !str_eq(shown, library->shown) ||
				    !hash_eq(hash_of(text), library->hash);
	}
	files_clear(&finder);
}

static const struct record_file *find_known(const struct build *b, const struct input *in)
{
	const struct record_file *known = map_get(&b->record.by_shown, in->file->shown);

	if (!known || !hash_eq(known->hash, in->hash))
		return NULL;
	for (uint32_t i = 0; i < known->use_count; i++)
		if (b->new_library[known->uses[i]])
			return NULL;
	return known;
}

static void read_input(void *context, size_t piece)
{
	struct build *b = context;
	struct input *in = &b->inputs[piece];
	struct error err = {0};

	in->unread = source_read(in->file->path.ptr, &in->text, &err) != OUTCOME_OK;
	error_clear(&err);
	in->hash = hash_of(buf_view(&in->text));
	in->known = find_known(b, in);
	if (in->known)
		buf_clear(&in->text);
}

/* False: a file can't be read, which is told when everything is compiled in one unit. */
static bool read_inputs(struct build *b)
{
	bool all = true;

	b->count = b->files->found.count;
	b->inputs = must_alloc(arena_bytes(sizeof(*b->inputs), b->count));
	b->changed = must_alloc(arena_bytes(sizeof(*b->changed), b->count));
	for (size_t i = 0; i < b->count; i++)
		b->inputs[i] = (struct input){ .file = &b->files->found.at[i] };
	parallel_for(jobs(b), b->count, read_input, b);
	for (size_t i = 0; i < b->count; i++) {
		all &= !b->inputs[i].unread;
		if (!b->inputs[i].known)
			b->changed[b->changed_count++] = (uint32_t)i;
	}
	return all;
}

/* ---- what has changed ---- */

/* Whether a diagnostic speaks of what is not one of the given files. */
static bool speaks_of_libraries(const struct diags *d, uint32_t given)
{
	for (size_t i = 0; i < d->all.count; i++) {
		const struct diag *it = &d->all.at[i];

		if (it->span.source >= given)
			return true;
		for (size_t n = 0; n < it->notes.count; n++)
			if (it->notes.at[n].span.source >= given)
				return true;
	}
	return false;
}

static bool looks_outward(const struct unit *u)
{
	for (size_t i = 0; i < u->modules.count; i++)
		if (u->modules.at[i]->outward)
			return true;
	return false;
}

static void compile_batch(void *context, size_t piece)
{
	const struct build *b = context;
	struct batch *batch = &b->batches[piece];
	size_t from = piece * BATCH_FILES, to = from + BATCH_FILES;
	struct files part;

	files_begin(&part, b->files->line, true);
	for (size_t i = from; i < to && i < b->changed_count; i++) {
		const struct input *in = &b->inputs[b->changed[i]];

		files_give(&part, in->file, buf_view(&in->text), in->hash);
	}
	unit_check_files(&part.unit);
	lint_files(&part.unit);
	if (!part.unit.diags.error_count)
		write_images(&part.unit, files_shown(&part), &batch->written);
	batch->failed = part.unreadable || part.unit.diags.error_count ||
			batch->written.images.failed || looks_outward(&part.unit) ||
			speaks_of_libraries(&part.unit.diags, batch->written.file_count);
	batch->diags = part.unit.diags;
	part.unit.diags = (struct diags){0};
	files_clear(&part);
}

static size_t batch_count(const struct build *b)
{
	return (b->changed_count + BATCH_FILES - 1) / BATCH_FILES;
}

static bool compile_changed(struct build *b)
{
	size_t count = batch_count(b);

	b->batches = must_alloc(arena_bytes(sizeof(*b->batches), count));
	memset(b->batches, 0, arena_bytes(sizeof(*b->batches), count));
	parallel_for(jobs(b), count, compile_batch, b);
	for (size_t i = 0; i < count; i++)
		if (b->batches[i].failed)
			return false;
	return true;
}

/* ---- the bundle ---- */

static enum exit_status too_large(void)
{
	return command_failed(STATUS_FILES, "the bundle would be larger than %zu bytes",
			      BUF_CAP_BYTES);
}

/* One that is there already with the same bytes is left alone, and so is its time for make. */
static enum exit_status put(const struct files *f, const struct written_file *files, size_t count,
			    const struct bundle *before)
{
	const char *output = f->line->output;
	struct bundle_parts parts;
	struct error err = {0};
	enum exit_status status = STATUS_CLEAN;

	if (output && !f->unit.migrations.count)
		return command_failed(
			STATUS_USAGE, "there is no migration in what was given: nothing to build");
	write_bundle(files, count, &parts);
	if (parts.failed)
		status = too_large();
	else if (output && !bundle_is(before, &parts) &&
		 os_write_derived(output, parts.all.at, parts.all.count, &err) != OUTCOME_OK)
		status = command_failed(STATUS_FILES, "%s", err.message);
	error_clear(&err);
	bundle_parts_clear(&parts);
	return status;
}

/* ---- all together ---- */

/* False: its image can't be read. */
static bool take_over(struct build *b, const struct record_file *known, struct written_file *out)
{
	struct error err = {0};
	struct module image;
	bool opened;

	*out = (struct written_file){
		.shown = known->shown, .hash = known->hash, .is_silent = true,
		.use_count = known->use_count, .uses = known->uses,
		.libraries = b->record.libraries,
	};
	if (!known->entry)
		return true;
	opened = module_open_head(&image, known->entry->image, &err) == OUTCOME_OK;
	error_clear(&err);
	out->head = written_head(&b->record.arena, &image.migration);
	out->image = known->entry->image;
	out->identity = known->entry->identity;
	module_clear(&image);
	return opened;
}

/* Warnings count as errors where that is asked for. */
static bool is_refused(const struct files *f)
{
	return f->unit.diags.error_count || (f->line->strict && f->unit.diags.warning_count);
}

/* Warnings, of the batches and of all files together, stand there as if one unit had found them. */
static bool join(struct build *b, struct written_file *all)
{
	struct unit *u = &b->files->unit;
	size_t changed = 0;

	for (size_t i = 0; i < b->count; i++) {
		const struct input *in = &b->inputs[i];

		if (!in->known) {
			all[i] = b->batches[changed / BATCH_FILES]
					 .written.files[changed % BATCH_FILES];
			changed++;
		} else if (!take_over(b, in->known, &all[i])) {
			return false;
		}
		unit_add_known(u, in->file->path, buf_view(&in->text), in->hash, all[i].head);
	}
	unit_check_together(u);
	lint_together(u);
	if (u->diags.error_count || u->outdated)
		return false;
	for (size_t i = 0; i < batch_count(b); i++)
		diags_take(&u->diags, &b->batches[i].diags, b->changed + i * BATCH_FILES);
	diags_sort(&u->diags);
	return !is_refused(b->files);
}

/* The texts that the diagnostics of f->unit show belong to the build: they are printed here. */
static bool build_in_parts(struct build *b, const struct bundle *before,
			   struct build_result *result)
{
	struct written_file *all;
	bool joined, same;

	if (!read_inputs(b) || !compile_changed(b))
		return false;
	all = must_alloc(arena_bytes(sizeof(*all), b->count));
	joined = join(b, all);
	result->unchanged = b->count - b->changed_count;
	same = !b->changed_count && b->count == b->record.file_count &&
	       b->files->unit.migrations.count == before->count;
	if (joined)
		files_report(b->files);
	if (joined && !same)
		result->status = put(b->files, all, b->count, before);
	free(all);
	return joined;
}

static void build_clear(struct build *b)
{
	for (size_t i = 0; b->batches && i < batch_count(b); i++) {
		written_clear(&b->batches[i].written);
		diags_clear(&b->batches[i].diags);
	}
	free(b->batches);
	for (size_t i = 0; i < b->count; i++)
		buf_clear(&b->inputs[i].text);
	free(b->inputs);
	free(b->changed);
	record_clear(&b->record);
}

/* ---- all in one unit ---- */

static enum exit_status compile_found(struct files *f, enum exit_status status,
				      struct written *written)
{
	enum exit_status checked = files_check_found(f);

	lint_files(&f->unit);
	lint_together(&f->unit);
	if (checked == STATUS_CLEAN && is_refused(f))
		checked = STATUS_ERRORS;
	if (checked > status)
		status = checked;
	if (status != STATUS_CLEAN)
		return status;
	write_images(&f->unit, files_shown(f), written);
	if (f->unit.diags.error_count)
		return STATUS_ERRORS;
	return written->images.failed ? too_large() : STATUS_CLEAN;
}

enum exit_status files_compile(struct files *f, const struct command_line *line)
{
	struct written written = {0};
	enum exit_status status = files_find(f, line);

	status = compile_found(f, status, &written);
	written_clear(&written);
	return status;
}

static enum exit_status build_in_one(struct files *f, enum exit_status status,
				     const struct bundle *before)
{
	struct written written = {0};

	status = compile_found(f, status, &written);
	files_report(f);
	if (status == STATUS_CLEAN)
		status = put(f, written.files, written.file_count, before);
	written_clear(&written);
	return status;
}

struct build_result build_bundle(struct files *f, enum exit_status status,
				 const struct bundle *before)
{
	struct build b = { .files = f };
	struct build_result result = { .status = status };

	if (status == STATUS_CLEAN && record_read(&b.record, before))
		compare_libraries(&b);
	if (status != STATUS_CLEAN || !build_in_parts(&b, before, &result)) {
		files_forget(f);
		result = (struct build_result){ .status = build_in_one(f, status, before) };
	}
	build_clear(&b);
	return result;
}
