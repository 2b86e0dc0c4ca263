#include "CLoad.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct program_option *find(const char *argument, const struct program_option *table,
                                         size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (strncmp(argument, "--", 2) == 0 && strcmp(argument + 2, table[i].name) == 0) {
            return &table[i];
        }
    }
    fprintf(stderr, "%s? The options are:\n", argument);
    for (size_t i = 0; i < count; i++) {
        fprintf(stderr, "  --%s%s\n", table[i].name, table[i].kind == FLAG ? "" : " VALUE");
    }
    exit(2);
}

void read_options(int argc, char **argv, const struct program_option *table, size_t count) {
    for (int i = 1; i < argc; i++) {
        const struct program_option *option = find(argv[i], table, count);
        if (option->kind == FLAG) {
            *(bool *)option->value = true;
            continue;
        }
        if (++i == argc) fail("--%s: its value is missing", option->name);
        char *end = "";
        switch (option->kind) {
        case NUMBER: *(long *)option->value = strtol(argv[i], &end, 10); break;
        case REAL: *(double *)option->value = strtod(argv[i], &end); break;
        case TEXT: *(const char **)option->value = argv[i]; break;
        case FLAG: break;
        }
        if (*end) fail("--%s %s: not a number", option->name, argv[i]);
    }
}
