/*
 * s3_page_scan.c
 *		Reading a page of a listing in one pass over its text. See s3_answer.h.
 *
 * Elements made by expat, and then looked for by their names, take more of the processor than all else about a
 * listing. This knows no more XML than S3 writes into one: elements at two depths, with nothing in the inner ones but
 * ASCII and the usual references. At anything else it gives up, and the other way decides. It must take nothing that
 * that one would refuse or read differently: test/fuzz/s3_page_fuzz.c compares them.
 *
 * Texts are copied into one piece of memory that is as large as the page, since none gets longer by being decoded.
 */
#include "aws/s3_answer.h"

#define ENTRIES 1024 /* there is room for at first; S3 has up to 1,000 in a page */
#define DECLARATION "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
#define NAMESPACE " xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\""

typedef struct Scan
{
	const char *at; /* the page has a NUL at its end */
	const char *end;
	char *out; /* where the next text goes */
	EtlS3Page *page;
	int capacity;	 /* of its entries */
	bool encoded;	 /* keys are */
	char *truncated; /* NULL: that hasn't been said */
	char *token;
} Scan;

/* What stands in an element. */
typedef struct Text
{
	const char *begin;
	const char *end;
	const char *reference; /* the first "&…;" in it; NULL: there is none */
} Text;

#define EVERY(byte) (UINT64CONST(0x0101010101010101) * (byte))
#define OTHER(word)                                                                                          \
	((word) |                                                                                                \
	 (((word) -EVERY(' ')) & ~(word))) /* has a byte's high bit if that isn't simple, or one before it */

/*
 * Whether what a text may have is all there is: ASCII without control characters, and no end of a CDATA section, which must
 * not stand in one. Eight bytes at a time, since this looks at each.
 */
static bool
is_simple(const char *body, size_t size)
{
	const char *at = body;
	const char *end = body + size;
	uint64 other = 0;
	uint64 word;

	for (; end - at >= sizeof(word); at += sizeof(word))
	{
		memcpy(&word, at, sizeof(word));
		other |= OTHER(word);
	}
	word = EVERY(' ');
	memcpy(&word, at, end - at);
	other |= OTHER(word);
	return (other & EVERY(0x80)) == 0 && memchr(body, ']', size) == NULL;
}

/* ---- tags and texts ---- */

static inline bool
take_bytes(Scan *scan, const char *bytes, size_t size)
{
	if (size > scan->end - scan->at || memcmp(scan->at, bytes, size) != 0)
		return false;
	scan->at += size;
	return true;
}

#define TAKE(scan, literal) take_bytes(scan, literal, sizeof(literal) - 1)

static inline bool
take_text(Scan *scan, Text *text)
{
	text->begin = scan->at;
	text->end = memchr(scan->at, '<', scan->end - scan->at);
	if (text->end == NULL)
		return false;
	text->reference = memchr(text->begin, '&', text->end - text->begin);
	scan->at = text->end;
	return true;
}

/* If <name> is next: *well says whether its text and end follow. */
#define TAKE_ELEMENT(scan, name, text, well)                                                                 \
	(TAKE(scan, "<" name ">") && (*(well) = take_text(scan, text) && TAKE(scan, "</" name ">"), true))

/* One of any other name. */
static bool
take_other_element(Scan *scan, Text *text)
{
	const char *name;
	size_t size;

	if (!TAKE(scan, "<"))
		return false;
	name = scan->at;
	while ((*scan->at >= 'A' && *scan->at <= 'Z') || (*scan->at >= 'a' && *scan->at <= 'z'))
		scan->at++;
	size = scan->at - name;
	return size > 0 && TAKE(scan, ">") && take_text(scan, text) && TAKE(scan, "</") &&
		   take_bytes(scan, name, size) && TAKE(scan, ">");
}

/* The character that the reference is to; 0: not known. It is moved past. */
static char
take_reference(const char **reference, const char *end)
{
	static const struct
	{
		const char *text;
		size_t size;
		char is;
	} known[] = {{"&quot;", 6, '"'}, {"&#34;", 5, '"'},	 {"&amp;", 5, '&'},	 {"&lt;", 4, '<'},
				 {"&gt;", 4, '>'},	 {"&#39;", 5, '\''}, {"&apos;", 6, '\''}};

	for (int i = 0; i < lengthof(known); i++)
		if (known[i].size <= end - *reference && memcmp(*reference, known[i].text, known[i].size) == 0)
		{
			*reference += known[i].size;
			return known[i].is;
		}
	return 0;
}

/* A copy of the text, with what its references are to. NULL: it has others. */
static char *
copy_text(Scan *scan, const Text *text)
{
	char *copy = scan->out;
	const char *from = text->begin;
	const char *reference = text->reference;

	for (;;)
	{
		size_t size = (reference != NULL ? reference : text->end) - from;

		memcpy(scan->out, from, size);
		scan->out += size;
		if (reference == NULL)
			break;
		from = reference;
		if ((*scan->out++ = take_reference(&from, text->end)) == '\0')
			return NULL;
		reference = memchr(from, '&', text->end - from);
	}
	*scan->out++ = '\0'; /* there is room: in the page the next character belongs to a tag */
	return copy;
}

/* The same without the quotes that S3 puts around it. */
static char *
copy_etag(Scan *scan, const Text *text)
{
	char *etag = copy_text(scan, text);
	char *end = scan->out - 1;

	if (etag == NULL)
		return NULL;
	if (*etag == '"')
		etag++;
	if (end > etag && end[-1] == '"')
		end[-1] = '\0';
	return etag;
}

/* ---- a listing ---- */

/* The next of an entry's members. */
static bool
take_member(Scan *scan, EtlS3Object *object, bool *has_size)
{
	Text text;
	bool well;
	char *copy;

	if (TAKE_ELEMENT(scan, "Key", &text, &well) || TAKE_ELEMENT(scan, "Prefix", &text, &well))
		return well && (object->key = copy_text(scan, &text)) != NULL;
	if (TAKE_ELEMENT(scan, "LastModified", &text, &well))
	{
		if (!well || (copy = copy_text(scan, &text)) == NULL)
			return false;
		object->last_modified = s3_time_parse(copy);
		return true;
	}
	if (TAKE_ELEMENT(scan, "ETag", &text, &well))
		return well && (object->etag = copy_etag(scan, &text)) != NULL;
	if (TAKE_ELEMENT(scan, "Size", &text, &well))
		return *has_size =
				   well && (copy = copy_text(scan, &text)) != NULL && s3_size_parse(copy, &object->size);
	if (TAKE_ELEMENT(scan, "VersionId", &text, &well) || TAKE_ELEMENT(scan, "IsLatest", &text, &well))
		return false; /* of another listing */
	return take_other_element(scan, &text) && copy_text(scan, &text) != NULL;
}

static bool
take_entry(Scan *scan, bool is_prefix)
{
	EtlS3Page *page = scan->page;
	EtlS3Object *object;
	EtlError error;
	bool has_size = false;

	if (page->count == scan->capacity)
	{
		scan->capacity *= 2;
		page->objects = repalloc(page->objects, scan->capacity * sizeof(EtlS3Object));
	}
	object = &page->objects[page->count++];
	*object = (EtlS3Object){.is_prefix = is_prefix, .etag = ""};
	for (;;)
	{
		if (is_prefix ? TAKE(scan, "</CommonPrefixes>") : TAKE(scan, "</Contents>"))
			break;
		if (!take_member(scan, object, &has_size))
			return false;
	}
	return object->key != NULL && (has_size || is_prefix) &&
		   (!scan->encoded || s3_key_decode(object->key, &error));
}

/* The next thing that the page says of itself. Twice is once too often, and how keys are written is to be known before they come. */
static bool
take_property(Scan *scan)
{
	Text text;
	bool well;

	if (TAKE(scan, "<Prefix/>"))
		return true;
	if (TAKE_ELEMENT(scan, "EncodingType", &text, &well))
	{
		if (!well || scan->encoded || scan->page->count > 0 || text.end - text.begin != 3 ||
			memcmp(text.begin, "url", 3) != 0)
			return false;
		return scan->encoded = true;
	}
	if (TAKE_ELEMENT(scan, "IsTruncated", &text, &well))
		return well && scan->truncated == NULL && (scan->truncated = copy_text(scan, &text)) != NULL;
	if (TAKE_ELEMENT(scan, "NextContinuationToken", &text, &well))
		return well && scan->token == NULL && (scan->token = copy_text(scan, &text)) != NULL;
	if (TAKE_ELEMENT(scan, "Version", &text, &well) || TAKE_ELEMENT(scan, "DeleteMarker", &text, &well))
		return false; /* entries of another listing */
	return take_other_element(scan, &text) && copy_text(scan, &text) != NULL;
}

static bool
take_page(Scan *scan)
{
	(void) (TAKE(scan, DECLARATION) && TAKE(scan, "\n"));
	if (!is_simple(scan->at, scan->end - scan->at) || !TAKE(scan, "<ListBucketResult"))
		return false;
	(void) TAKE(scan, NAMESPACE);
	if (!TAKE(scan, ">"))
		return false;
	for (;;)
	{
		bool taken;

		if (TAKE(scan, "<Contents>"))
			taken = take_entry(scan, false);
		else if (TAKE(scan, "<CommonPrefixes>"))
			taken = take_entry(scan, true);
		else if (TAKE(scan, "</ListBucketResult>"))
			break;
		else
			taken = take_property(scan);
		if (!taken)
			return false;
	}
	return scan->at == scan->end;
}

bool
s3_page_scan(const char *body, size_t size, EtlS3Page *page, EtlS3Marker *marker)
{
	char *texts = palloc(size + 1);
	Scan scan = {.at = body, .end = body + size, .out = texts, .page = page, .capacity = ENTRIES};

	*page = (EtlS3Page){.objects = palloc(ENTRIES * sizeof(EtlS3Object))};
	*marker = (EtlS3Marker){NULL};
	while (scan.end > body && scan.end[-1] == '\n')
		scan.end--;
	if (take_page(&scan))
	{
		bool goes_on = scan.truncated != NULL && strcmp(scan.truncated, "true") == 0;

		if (!goes_on || (scan.token != NULL && *scan.token != '\0'))
		{
			marker->token = goes_on ? scan.token : NULL;
			s3_page_order(page);
			return true;
		}
	}
	pfree(page->objects);
	pfree(texts);
	return false;
}
