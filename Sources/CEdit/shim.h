#pragma once
#include <histedit.h>

// el_set(3) and history(3) take their arguments as `...`, which Swift can't call: one function
// here for each use. All return what the library returns, 0 or more for success.

typedef char *(*cedit_prompt)(EditLine *);
typedef unsigned char (*cedit_command)(EditLine *, int);

// The character `delimiter` in the prompt encloses what takes no room on the screen.
static inline int cedit_set_prompt(EditLine *editor, cedit_prompt prompt, char delimiter) {
    return el_set(editor, EL_PROMPT_ESC, prompt, delimiter);
}

// The kind of terminal, as in TERM.
static inline int cedit_set_terminal(EditLine *editor, const char *kind) {
    return el_set(editor, EL_TERMINAL, kind);
}

static inline int cedit_set_editor(EditLine *editor, const char *mode) {
    return el_set(editor, EL_EDITOR, mode);
}

static inline int cedit_set_read_character(EditLine *editor, el_rfunc_t read) {
    return el_set(editor, EL_GETCFN, read);
}

static inline int cedit_set_client_data(EditLine *editor, void *data) {
    return el_set(editor, EL_CLIENTDATA, data);
}

static inline void *cedit_client_data(EditLine *editor) {
    void *data = 0;
    return el_get(editor, EL_CLIENTDATA, &data) == 0 ? data : 0;
}

static inline int cedit_add_command(
    EditLine *editor, const char *name, const char *help, cedit_command command) {
    return el_set(editor, EL_ADDFN, name, help, command);
}

static inline int cedit_bind(EditLine *editor, const char *key, const char *name) {
    return el_set(editor, EL_BIND, key, name, (char *)0);
}

static inline int cedit_set_history(EditLine *editor, History *entries) {
    return el_set(editor, EL_HIST, history, entries);
}

// Draws the prompt and the line anew where the cursor is.
static inline int cedit_refresh(EditLine *editor) {
    return el_set(editor, EL_REFRESH);
}

// Puts the terminal into editing mode (1) or back into what it was in (0).
static inline int cedit_prepare_terminal(EditLine *editor, int on) {
    return el_set(editor, EL_PREP_TERM, on);
}

static inline int cedit_history_set_size(History *entries, int count) {
    HistEvent event;
    return history(entries, &event, H_SETSIZE, count);
}

static inline int cedit_history_set_unique(History *entries, int on) {
    HistEvent event;
    return history(entries, &event, H_SETUNIQUE, on);
}

static inline int cedit_history_add(History *entries, const char *line) {
    HistEvent event;
    return history(entries, &event, H_ENTER, line);
}
