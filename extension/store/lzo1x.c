/*
 * lzo1x.c
 *		Decompression of LZO1X. See lzo1x.h.
 *
 * A block is a sequence of instructions, each a byte or more. Most copy a match, bytes that were put out before, and then
 * up to three literal ones, whose count is their lowest two bits. What an instruction below 16 means depends on how many
 * literals were copied last: none, up to three, or a run of them. A match of a distance of 16384 ends the block.
 * (The stream's format is described in the Linux kernel's documentation, staging/lzo.)
 */
#include "store/lzo1x.h"

#define RUN 4 /* as the number of literals copied last: a run of them */
#define END_DISTANCE 16384

typedef struct Block
{
	const uint8 *in;
	const uint8 *in_end;
	uint8 *out;
	uint8 *out_begin;
	uint8 *out_end;
} Block;

static bool
take_byte(Block *block, size_t *byte)
{
	if (block->in == block->in_end)
		return false;
	*byte = *block->in++;
	return true;
}

/* The low bits of an instruction; when they are zero, what follows: 255 for each zero byte, and the first other one. */
static bool
take_length(Block *block, size_t bits, size_t mask, size_t *length)
{
	size_t byte;

	*length = bits & mask;
	if (*length != 0)
		return true;
	*length = mask;
	for (;;)
	{
		if (!take_byte(block, &byte))
			return false;
		if (byte != 0)
			break;
		*length += 255;
		if (*length > (size_t) (block->out_end - block->out))
			return false;
	}
	*length += byte;
	return true;
}

static bool
copy_literals(Block *block, size_t length)
{
	if (length > (size_t) (block->in_end - block->in) || length > (size_t) (block->out_end - block->out))
		return false;
	memcpy(block->out, block->in, length);
	block->in += length;
	block->out += length;
	return true;
}

/* The match may overlap what it makes. */
static bool
copy_match(Block *block, size_t distance, size_t length)
{
	const uint8 *from;

	if (distance > (size_t) (block->out - block->out_begin) ||
		length > (size_t) (block->out_end - block->out))
		return false;
	from = block->out - distance;
	while (length-- > 0)
		*block->out++ = *from++;
	return true;
}

/* An instruction below 16. *literals: how many were copied last, and how many are to be copied next. */
static bool
run_low(Block *block, size_t instruction, size_t *literals)
{
	size_t byte;
	size_t length;

	if (*literals == 0)
	{
		if (!take_length(block, instruction, 15, &length) || !copy_literals(block, length + 3))
			return false;
		*literals = RUN;
		return true;
	}
	if (!take_byte(block, &byte))
		return false;
	if (!copy_match(block, (byte << 2) + (instruction >> 2) + (*literals == RUN ? 2049 : 1),
					*literals == RUN ? 3 : 2))
		return false;
	*literals = instruction & 3;
	return copy_literals(block, *literals);
}

/* One from 16 on. */
static bool
run_match(Block *block, size_t instruction, size_t *literals, bool *end)
{
	size_t length;
	size_t distance;
	size_t low;
	size_t high;

	if (instruction >= 64)
	{
		if (!take_byte(block, &high))
			return false;
		distance = (high << 3) + ((instruction >> 2) & 7) + 1;
		length = (instruction >> 5) + 1;
		*literals = instruction & 3;
		return copy_match(block, distance, length) && copy_literals(block, *literals);
	}
	if (!take_length(block, instruction, instruction >= 32 ? 31 : 7, &length) || !take_byte(block, &low) ||
		!take_byte(block, &high))
		return false;
	distance = (high << 6) + (low >> 2);
	if (instruction >= 32)
		distance++;
	else
	{
		distance += END_DISTANCE + ((instruction & 8) << 11);
		*end = distance == END_DISTANCE;
		if (*end)
			return true;
	}
	*literals = low & 3;
	return copy_match(block, distance, length + 2) && copy_literals(block, *literals);
}

bool
lzo1x_decompress(const uint8 *in, size_t in_size, uint8 *out, size_t out_size)
{
	Block block = {.in = in, .in_end = in + in_size, .out = out, .out_begin = out, .out_end = out + out_size};
	size_t literals = 0;
	bool end = false;

	/* The first instruction may be literals alone. */
	if (in_size > 0 && *in > 17)
	{
		size_t length = *block.in++ - 17;

		if (!copy_literals(&block, length))
			return false;
		literals = Min(length, RUN);
	}
	while (!end)
	{
		size_t instruction;

		if (!take_byte(&block, &instruction))
			return false;
		if (instruction < 16 ? !run_low(&block, instruction, &literals)
							 : !run_match(&block, instruction, &literals, &end))
			return false;
	}
	return block.in == block.in_end && block.out == block.out_end;
}
