/*
 * encoding.h
 *		The encodings a file may be in, and its bytes in UTF-8. Pure, but for encoding_reader.
 *
 * Half of a surrogate pair isn't an error here: it comes out as the three bytes that it would have in UTF-8, where it isn't
 * valid. So it is found with the value it is in, rejected with its row (1220), and ACCEPTINVCHARS takes it like any other.
 * What concerns the whole file is an error (1221): bytes that show another encoding than the one that was said.
 */
#ifndef ETL_FORMAT_ENCODING_H
#define ETL_FORMAT_ENCODING_H

#include "base/error.h"
#include "base/platform.h"

typedef enum EtlEncoding
{
	ETL_ENCODING_UTF8,
	ETL_ENCODING_UTF16, /* by its byte order mark */
	ETL_ENCODING_UTF16LE,
	ETL_ENCODING_UTF16BE
} EtlEncoding;

#define ETL_ENCODING_MIN_ROOM 16 /* bytes that decoding needs at a time */

typedef struct EtlEncodingDecoder
{
	EtlEncoding encoding;
	bool started; /* past the byte order mark */
	bool big_endian;
	bool has_byte; /* `byte` is the first of two */
	uint8 byte;
	uint16 high;	 /* first half of a pair; 0: none */
	uint64 position; /* bytes of the file that are decoded */
} EtlEncodingDecoder;

/* For one file in UTF-16. */
extern void encoding_decoder_init(EtlEncodingDecoder *decoder, EtlEncoding encoding);

/*
 * Decode from *in to *out, up to in_end or until less than ETL_ENCODING_MIN_ROOM bytes are left to out_end, and move both
 * on. eof: in_end is the file's end. A byte order mark at the start is dropped. false: 22021, and the position is where.
 */
extern bool encoding_decode(EtlEncodingDecoder *decoder, const uint8 **in, const uint8 *in_end, bool eof,
							char **out, char *out_end, EtlError *error);

#ifndef FRONTEND
#include "base/stream.h"

/*
 * The stream in UTF-8; source itself if it is already. Takes source over, as a codec does. Raises what encoding_decode says,
 * with the object's name and the byte.
 */
extern EtlReader *encoding_reader(EtlReader *source, EtlEncoding encoding);
#endif

#endif
