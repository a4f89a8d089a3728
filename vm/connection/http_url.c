/* http_url.c - the parts of a URL, and what of it may be shown */
#include "vm/connection/http.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <strings.h>

#define SECRET_MIN 4 /* what is shorter is in every text */

static char *part(CURLU *u, CURLUPart what, unsigned flags)
{
	char *text = NULL, *copy;

	if (curl_url_get(u, what, &text, flags) != CURLUE_OK || !text)
		return must_strdup("");
	copy = must_strdup(text);
	curl_free(text);
	return copy;
}

static void print_shown(struct http_url *u, bool has_port)
{
	struct buf text = { 0 };

	buf_format(&text, "%s://%s%s%s", u->scheme, u->host, has_port ? ":" : "",
		   has_port ? u->port : "");
	u->origin = must_strdup(text.ptr);
	buf_text(&text, u->path);
	if (*u->query)
		buf_text(&text, "?…");
	u->shown = buf_take(&text);
}

bool http_url_read(struct http_url *u, const char *text)
{
	CURLU *parsed = curl_url();
	char *own_port;
	bool good;

	*u = (struct http_url){ 0 };
	if (!parsed)
		BUG("curl has no memory");
	good = curl_url_set(parsed, CURLUPART_URL, text, 0) == CURLUE_OK;
	u->scheme = part(parsed, CURLUPART_SCHEME, 0);
	u->host = part(parsed, CURLUPART_HOST, 0);
	u->port = part(parsed, CURLUPART_PORT, CURLU_DEFAULT_PORT);
	u->user = part(parsed, CURLUPART_USER, CURLU_URLDECODE);
	u->password = part(parsed, CURLUPART_PASSWORD, CURLU_URLDECODE);
	u->query = part(parsed, CURLUPART_QUERY, 0);
	u->path = part(parsed, CURLUPART_PATH, 0);
	own_port = part(parsed, CURLUPART_PORT, 0);
	print_shown(u, *own_port);
	good = good && *u->host &&
	       (strcmp(u->scheme, "https") == 0 || strcmp(u->scheme, "http") == 0) &&
	       curl_url_set(parsed, CURLUPART_USER, NULL, 0) == CURLUE_OK &&
	       curl_url_set(parsed, CURLUPART_PASSWORD, NULL, 0) == CURLUE_OK &&
	       curl_url_set(parsed, CURLUPART_FRAGMENT, NULL, 0) == CURLUE_OK;
	u->url = part(parsed, CURLUPART_URL, 0);
	free(own_port);
	curl_url_cleanup(parsed);
	if (!good)
		http_url_clear(u);
	return good;
}

void http_url_clear(struct http_url *u)
{
	char *secrets[] = { u->url, u->user, u->password, u->query, u->path };

	for (size_t i = 0; i < ARRAY_SIZE(secrets); i++) {
		if (secrets[i])
			explicit_bzero(secrets[i], strlen(secrets[i]));
		free(secrets[i]);
	}
	free(u->scheme);
	free(u->host);
	free(u->port);
	free(u->shown);
	free(u->origin);
	*u = (struct http_url){ 0 };
}

bool http_url_is_same_site(const struct http_url *from, const struct http_url *to)
{
	if (strcasecmp(from->host, to->host) != 0)
		return false;
	if (strcmp(from->scheme, to->scheme) == 0)
		return strcmp(from->port, to->port) == 0;
	return strcmp(from->scheme, "http") == 0 && strcmp(from->port, "80") == 0 &&
	       strcmp(to->port, "443") == 0;
}

bool http_url_is_listed(const struct http_url *u, const char *list)
{
	struct buf full = { 0 };
	bool found = false;

	buf_format(&full, "%s:%s", u->host, u->port);
	while (list && *list && !found) {
		size_t len = strcspn(list, ",");
		struct str entry = str_trim((struct str){ list, len });

		found = (entry.len == strlen(u->host) &&
			 strncasecmp(entry.ptr, u->host, entry.len) == 0) ||
			(entry.len == full.len && strncasecmp(entry.ptr, full.ptr, full.len) == 0);
		list += len + (list[len] == ',');
	}
	buf_clear(&full);
	return found;
}

/* How many bytes at the text's beginning are one of the parts between these separators. */
static size_t begins_part(struct str text, const char *parts, const char *separators)
{
	for (const char *at = parts; *at; at += strspn(at, separators)) {
		struct str value = { at, strcspn(at, separators) };

		if (value.len >= SECRET_MIN && str_starts(text, value))
			return value.len;
		at += value.len;
	}
	return 0;
}

static size_t hidden_length(const struct http_url *u, bool all, struct str text)
{
	const char *secrets[] = { u->url, u->query, u->user, u->password, u->path };
	size_t count = all ? ARRAY_SIZE(secrets) : ARRAY_SIZE(secrets) - 1;
	size_t hidden;

	for (size_t i = 0; i < count; i++)
		if (strlen(secrets[i]) >= SECRET_MIN && str_starts(text, str_c(secrets[i])))
			return strlen(secrets[i]);
	hidden = begins_part(text, u->query + strcspn(u->query, "="), "=&");
	return hidden || !all ? hidden : begins_part(text, u->path, "/");
}

void http_url_mask(const struct http_url *u, bool all, struct str text, struct buf *out)
{
	while (text.len) {
		size_t hidden = hidden_length(u, all, text);

		if (hidden)
			buf_text(out, "…");
		else
			buf_byte(out, text.ptr[0]);
		text.ptr += hidden ? hidden : 1;
		text.len -= hidden ? hidden : 1;
	}
}
