# Fuzzers of the code that needs no server: every test/fuzz/*_fuzz.c is one libFuzzer program. `make fuzz` builds them
# and runs each for FUZZ_SECONDS; what they find is left in build/fuzz. Needs clang.
FUZZERS = $(patsubst test/fuzz/%.c,build/fuzz/%,$(sort $(wildcard test/fuzz/*_fuzz.c)))
FUZZ_SECONDS ?= 60

FUZZ_OBJS = $(PURE_SOURCES:%.c=build/fuzz/objects/%.o)
FUZZ_CC = clang $(UNIT_CFLAGS) -Wno-error -Wno-ignored-attributes

build/fuzz/objects/%.o: %.c
	@mkdir -p $(@D)
	$(FUZZ_CC) -fsanitize=fuzzer-no-link -MMD -MP -c -o $@ $<

build/fuzz/%_fuzz: test/fuzz/%_fuzz.c $(FUZZ_OBJS) $(wildcard test/fuzz/*.h) test/unit/PURE
	$(FUZZ_CC) -fsanitize=fuzzer -MMD -MP -MF $@.d -o $@ $< $(FUZZ_OBJS) $(UNIT_LIBS)

-include $(FUZZ_OBJS:.o=.d) $(FUZZERS:=.d)

.PHONY: fuzz
fuzz: $(FUZZERS)
	@for f in $(FUZZERS); do echo "# $$f"; $$f -max_total_time=$(FUZZ_SECONDS) -artifact_prefix=$$f- || exit 1; done
