# Fuzzers of the code that needs no server: every test/fuzz/*_fuzz.c is one libFuzzer program. `make fuzz` builds them
# and runs each for FUZZ_SECONDS; what they find is left in build/fuzz. Needs clang.
FUZZERS = $(patsubst test/fuzz/%.c,build/fuzz/%,$(sort $(wildcard test/fuzz/*_fuzz.c)))
FUZZ_SECONDS ?= 60

build/fuzz/%: test/fuzz/%.c $(PURE_SOURCES) $(wildcard extension/*/*.h test/fuzz/*.h) test/unit/PURE
	@mkdir -p build/fuzz
	clang $(UNIT_CFLAGS) -Wno-error -Wno-ignored-attributes -fsanitize=fuzzer -o $@ $< $(PURE_SOURCES) $(UNIT_LIBS)

.PHONY: fuzz
fuzz: $(FUZZERS)
	@for f in $(FUZZERS); do echo "# $$f"; $$f -max_total_time=$(FUZZ_SECONDS) -artifact_prefix=$$f- || exit 1; done
