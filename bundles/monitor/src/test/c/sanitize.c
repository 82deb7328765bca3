/* How sanitizers behave in a helper built by "make sanitized": its environment is empty and its descriptors are closed. */
const char *__asan_default_options(void);
const char *__ubsan_default_options(void);

const char *__asan_default_options(void) { return "detect_leaks=0:log_path=/tmp/gantry-sanitizer"; }
const char *__ubsan_default_options(void) { return "print_stacktrace=1:log_path=/tmp/gantry-sanitizer"; }
