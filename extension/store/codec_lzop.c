/*
 * codec_lzop.c
 *		Files of the lzop program. See coder.h. Pure.
 *
 * A member is a header and blocks, each with the size it has and the one it expands to, and checksums of either, as the
 * header's flags say; a block of size 0 ends it. Members put one after the other are one file. All numbers are
 * big-endian. (The format is what lzop 1.04 writes; it is documented nowhere else.)
 *
 * Bytes are collected until a part is complete: a fixed piece of the header, or a block. No part is larger than the
 * program's own blocks may reasonably be, so memory is bounded whatever the file says.
 */
#include "store/coder.h"

#include <zlib.h>

#include "store/lzo1x.h"

#define MAGIC "\x89LZO\x00\r\n\x1A\n"
#define MAGIC_SIZE 9
#define BLOCK_MAX (16 * 1024 * 1024) /* the program's are 256 kB */
#define HEADER_MAX 1024
#define EXTRA_MAX (1024 * 1024)

/* flags of a header */
#define F_ADLER32_D 0x00000001 /* checksum of a block when expanded */
#define F_ADLER32_C 0x00000002 /* of a block as it is in the file */
#define F_EXTRA_FIELD 0x00000040
#define F_CRC32_D 0x00000100
#define F_CRC32_C 0x00000200
#define F_MULTIPART 0x00000400
#define F_FILTER 0x00000800
#define F_HEADER_CRC32 0x00001000

typedef enum Part
{
	PART_MAGIC,
	PART_VERSION, /* up to the field that says how long the rest is */
	PART_FIXED,	  /* up to the length of the file's name */
	PART_NAME,	  /* and the header's checksum */
	PART_EXTRA_SIZE,
	PART_EXTRA,
	PART_EXPANDED_SIZE,
	PART_SIZE,
	PART_CHECKSUMS,
	PART_DATA,
	PART_PUT_OUT /* what the block expanded to is given away */
} Part;

typedef struct LzopDecoder
{
	EtlDecoder base;
	Part part;
	size_t wanted; /* bytes of this part, */
	size_t has;	   /* and how many of them are there */
	uint8 small
		[HEADER_MAX];  /* all of the header, for its checksum; otherwise a part that is not a block's data */
	size_t small_kept; /* bytes of it that belong to earlier parts */
	uint32 version;
	uint32 flags;
	uint32 expanded_size;
	uint32 size;
	uint32 checksums[4]; /* of the block: adler32 and crc32 expanded, then as it is in the file */
	uint8 *data;		 /* malloc'd */
	size_t data_room;
	uint8 *expanded;
	size_t expanded_room;
	size_t given;
} LzopDecoder;

static uint32
number_at(const uint8 *bytes)
{
	return ((uint32) bytes[0] << 24) | ((uint32) bytes[1] << 16) | ((uint32) bytes[2] << 8) | bytes[3];
}

static void
want(LzopDecoder *decoder, Part part, size_t bytes)
{
	decoder->part = part;
	decoder->wanted = bytes;
	decoder->has = 0;
}

/* The header goes on: its bytes stay together, for the checksum. */
static void
want_more(LzopDecoder *decoder, Part part, size_t bytes)
{
	decoder->small_kept += decoder->has;
	want(decoder, part, bytes);
}

static void
begin_block(LzopDecoder *decoder)
{
	decoder->small_kept = 0;
	want(decoder, PART_EXPANDED_SIZE, 4);
}

static bool
make_room(uint8 **memory, size_t *room, size_t size)
{
	uint8 *larger;

	if (size <= *room)
		return true;
	larger = realloc(*memory, size);
	if (larger == NULL)
		return false;
	*memory = larger;
	*room = size;
	return true;
}

/* ---- the header ---- */

static bool
end_magic(LzopDecoder *decoder, EtlError *error)
{
	if (memcmp(decoder->small, MAGIC, MAGIC_SIZE) != 0)
		return coder_damaged(error, "What follows its end, or its beginning, is not lzop.");
	/* versions of the file and of the library, and, of newer files, the version that is needed */
	decoder->small_kept = 0;
	want(decoder, PART_VERSION, 2 + 2);
	return true;
}

static bool
end_version(LzopDecoder *decoder, EtlError *error)
{
	decoder->version = ((uint32) decoder->small[0] << 8) | decoder->small[1];
	if (decoder->version < 0x0900)
		return coder_damaged(error, "Its version 0x%04X is not one of lzop's.", decoder->version);
	/* from 0x0940 on: version needed (2) and level (1) besides method (1), flags (4), mode (4), time (4, then 8), name's length (1) */
	want_more(decoder, PART_FIXED,
			  decoder->version >= 0x0940 ? 2 + 1 + 1 + 4 + 4 + 8 + 1 : 1 + 4 + 4 + 4 + 1);
	return true;
}

static bool
end_fixed(LzopDecoder *decoder, EtlError *error)
{
	const uint8 *fixed = decoder->small + 4;
	bool newer = decoder->version >= 0x0940;
	int method = newer ? fixed[2] : fixed[0];

	decoder->flags = number_at(newer ? fixed + 4 : fixed + 1);
	if (method < 1 || method > 3)
		return coder_damaged(error, "Its compression method %d is not LZO1X.", method);
	if ((decoder->flags & (F_FILTER | F_MULTIPART)) != 0)
		return coder_damaged(error, "It is filtered or in several parts, which is not supported.");
	want_more(decoder, PART_NAME, (size_t) decoder->small[decoder->small_kept + decoder->has - 1] + 4);
	return true;
}

static bool
end_name(LzopDecoder *decoder, EtlError *error)
{
	size_t size = decoder->small_kept + decoder->has - 4;
	uint32 checksum = (decoder->flags & F_HEADER_CRC32) ? crc32(0, decoder->small, (uInt) size)
														: adler32(1, decoder->small, (uInt) size);

	if (checksum != number_at(decoder->small + size))
		return coder_damaged(error, "The checksum of its header does not match.");
	decoder->small_kept = 0;
	if (decoder->flags & F_EXTRA_FIELD)
		want(decoder, PART_EXTRA_SIZE, 4);
	else
		begin_block(decoder);
	return true;
}

static bool
end_extra_size(LzopDecoder *decoder, EtlError *error)
{
	uint32 size = number_at(decoder->small);

	if (size > EXTRA_MAX)
		return coder_damaged(error, "Its header has an extra field of %u bytes.", size);
	want(decoder, PART_EXTRA, (size_t) size + 4);
	return true;
}

/* ---- blocks ---- */

static bool
end_expanded_size(LzopDecoder *decoder, EtlError *error)
{
	decoder->expanded_size = number_at(decoder->small);
	if (decoder->expanded_size == 0)
	{
		want(decoder, PART_MAGIC, MAGIC_SIZE);
		decoder->base.between = true;
		return true;
	}
	if (decoder->expanded_size > BLOCK_MAX)
		return coder_damaged(error, "A block of it expands to %u bytes; %d are supported.",
							 decoder->expanded_size, BLOCK_MAX);
	want(decoder, PART_SIZE, 4);
	return true;
}

static bool
end_size(LzopDecoder *decoder, EtlError *error)
{
	uint32 flags = decoder->flags;
	int count;

	decoder->size = number_at(decoder->small);
	if (decoder->size == 0 || decoder->size > decoder->expanded_size)
		return coder_damaged(error, "A block of it has %u bytes and expands to %u.", decoder->size,
							 decoder->expanded_size);
	count = ((flags & F_ADLER32_D) != 0) + ((flags & F_CRC32_D) != 0);
	if (decoder->size < decoder->expanded_size) /* otherwise it is stored as it is */
		count += ((flags & F_ADLER32_C) != 0) + ((flags & F_CRC32_C) != 0);
	want(decoder, PART_CHECKSUMS, (size_t) count * 4);
	return true;
}

static bool
end_checksums(LzopDecoder *decoder, EtlError *error)
{
	static const uint32 kinds[] = {F_ADLER32_D, F_CRC32_D, F_ADLER32_C, F_CRC32_C};
	const uint8 *next = decoder->small;

	for (int i = 0; i < lengthof(kinds); i++)
		if ((decoder->flags & kinds[i]) != 0 && (i < 2 || decoder->size < decoder->expanded_size))
		{
			decoder->checksums[i] = number_at(next);
			next += 4;
		}
	if (!make_room(&decoder->data, &decoder->data_room, decoder->size) ||
		!make_room(&decoder->expanded, &decoder->expanded_room, decoder->expanded_size))
		return coder_out_of_memory(error);
	want(decoder, PART_DATA, decoder->size);
	return true;
}

static bool
checksums_match(const LzopDecoder *decoder, const uint8 *data, size_t size, bool expanded)
{
	uint32 adler = expanded ? F_ADLER32_D : F_ADLER32_C;
	uint32 crc = expanded ? F_CRC32_D : F_CRC32_C;
	const uint32 *checksums = decoder->checksums + (expanded ? 0 : 2);

	return ((decoder->flags & adler) == 0 || adler32(1, data, (uInt) size) == checksums[0]) &&
		   ((decoder->flags & crc) == 0 || crc32(0, data, (uInt) size) == checksums[1]);
}

static bool
end_data(LzopDecoder *decoder, EtlError *error)
{
	bool stored = decoder->size == decoder->expanded_size;

	if (stored)
		memcpy(decoder->expanded, decoder->data, decoder->size);
	else if (!checksums_match(decoder, decoder->data, decoder->size, false))
		return coder_damaged(error, "A block's checksum does not match.");
	else if (!lzo1x_decompress(decoder->data, decoder->size, decoder->expanded, decoder->expanded_size))
		return coder_damaged(error, "A block of it is not LZO1X.");
	if (!checksums_match(decoder, decoder->expanded, decoder->expanded_size, true))
		return coder_damaged(error, "A block's checksum does not match.");
	decoder->given = 0;
	want(decoder, PART_PUT_OUT, 0);
	return true;
}

/* The part is complete: the next one. */
static bool
end_part(LzopDecoder *decoder, EtlError *error)
{
	switch (decoder->part)
	{
		case PART_MAGIC:
			return end_magic(decoder, error);
		case PART_VERSION:
			return end_version(decoder, error);
		case PART_FIXED:
			return end_fixed(decoder, error);
		case PART_NAME:
			return end_name(decoder, error);
		case PART_EXTRA_SIZE:
			return end_extra_size(decoder, error);
		case PART_EXTRA: /* nothing that is written there matters for the data */
			begin_block(decoder);
			return true;
		case PART_EXPANDED_SIZE:
			return end_expanded_size(decoder, error);
		case PART_SIZE:
			return end_size(decoder, error);
		case PART_CHECKSUMS:
			return end_checksums(decoder, error);
		case PART_DATA:
			return end_data(decoder, error);
		case PART_PUT_OUT:
			break;
	}
	return true;
}

static void
collect(LzopDecoder *decoder, EtlCoderBytes *bytes)
{
	size_t n = Min(decoder->wanted - decoder->has, bytes->in_size);

	if (decoder->part == PART_DATA)
		memcpy(decoder->data + decoder->has, bytes->in, n);
	else if (decoder->part != PART_EXTRA)
		memcpy(decoder->small + decoder->small_kept + decoder->has, bytes->in, n);
	decoder->has += n;
	bytes->in += n;
	bytes->in_size -= n;
}

static void
put_out(LzopDecoder *decoder, EtlCoderBytes *bytes)
{
	size_t n = Min(decoder->expanded_size - decoder->given, bytes->out_size);

	memcpy(bytes->out, decoder->expanded + decoder->given, n);
	decoder->given += n;
	bytes->out += n;
	bytes->out_size -= n;
	if (decoder->given == decoder->expanded_size)
		begin_block(decoder);
}

static bool
lzop_decode(EtlDecoder *self, EtlCoderBytes *bytes, EtlError *error)
{
	LzopDecoder *decoder = (LzopDecoder *) self;

	while (bytes->out_size > 0)
	{
		if (decoder->part == PART_PUT_OUT)
		{
			put_out(decoder, bytes);
			continue;
		}
		if (decoder->has < decoder->wanted)
		{
			if (bytes->in_size == 0)
				break;
			self->between = false;
			collect(decoder, bytes);
		}
		if (decoder->has == decoder->wanted && !end_part(decoder, error))
			return false;
	}
	return true;
}

static void
lzop_decoder_free(EtlDecoder *self)
{
	LzopDecoder *decoder = (LzopDecoder *) self;

	free(decoder->data);
	free(decoder->expanded);
	free(decoder);
}

EtlDecoder *
lzop_decoder_create(void)
{
	LzopDecoder *decoder = calloc(1, sizeof(LzopDecoder));

	if (decoder == NULL)
		return NULL;
	decoder->base = (EtlDecoder){.decode = lzop_decode, .free = lzop_decoder_free, .between = true};
	want(decoder, PART_MAGIC, MAGIC_SIZE);
	return &decoder->base;
}
