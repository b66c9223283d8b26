/* An open-addressing hash table. All texts stand one after the other in one buffer; the word that is
 * being read grows at its end, and is taken back when it turns out to be known. */
#include "words.h"
#include <stdlib.h>
#include <string.h>

struct slot {
    uint64_t hash;
    uint64_t count; /* 0: the slot is free */
    size_t start;   /* of its text */
    size_t length;
};

struct words {
    struct slot *slots;
    size_t capacity; /* a power of two */
    size_t distinct;
    uint64_t total;
    char *text;
    size_t text_size;
    size_t text_used; /* finished words */
    size_t open;      /* length of the word being read, which stands behind them */
    uint64_t hash;    /* of that word */
};

#define FIRST_CAPACITY 1024

/* FNV-1a */
#define HASH_SEED 0xcbf29ce484222325u
#define HASH_STEP(hash, byte) (((hash) ^ (byte)) * 0x100000001b3u)

unsigned char words_fold(unsigned char byte)
{
    if (byte >= 'A' && byte <= 'Z')
        return byte + ('a' - 'A');
    if ((byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte > 127)
        return byte;
    return 0;
}

struct words *words_new(void)
{
    struct words *words = calloc(1, sizeof *words);
    if (!words)
        return NULL;
    words->slots = calloc(FIRST_CAPACITY, sizeof *words->slots);
    words->capacity = FIRST_CAPACITY;
    words->hash = HASH_SEED;
    if (!words->slots) {
        free(words);
        return NULL;
    }
    return words;
}

void words_free(struct words *words)
{
    if (!words)
        return;
    free(words->slots);
    free(words->text);
    free(words);
}

/* The slot of a word, or the free one where it belongs. */
static struct slot *find(const struct words *words, uint64_t hash, const char *text, size_t length)
{
    size_t mask = words->capacity - 1;
    for (size_t at = (hash ^ hash >> 32) & mask;; at = (at + 1) & mask) {
        struct slot *slot = &words->slots[at];
        if (!slot->count)
            return slot;
        if (slot->hash == hash && slot->length == length
            && memcmp(words->text + slot->start, text, length) == 0)
            return slot;
    }
}

/* Room for one more word, with a quarter of the table left free. */
static bool reserve_slot(struct words *words)
{
    if (words->distinct < words->capacity / 4 * 3)
        return true;
    struct words larger = *words;
    larger.capacity *= 2;
    larger.slots = calloc(larger.capacity, sizeof *larger.slots);
    if (!larger.slots)
        return false;
    for (size_t at = 0; at < words->capacity; at++) {
        const struct slot *old = &words->slots[at];
        if (old->count)
            *find(&larger, old->hash, words->text + old->start, old->length) = *old;
    }
    free(words->slots);
    *words = larger;
    return true;
}

static bool reserve_text(struct words *words, size_t more)
{
    size_t needed = words->text_used + words->open + more;
    if (needed <= words->text_size)
        return true;
    size_t size = words->text_size ? words->text_size : 4096;
    while (size < needed)
        size *= 2;
    char *text = realloc(words->text, size);
    if (!text)
        return false;
    words->text = text;
    words->text_size = size;
    return true;
}

/* Enters the word that stands open at the end of the text. */
static bool close_word(struct words *words, uint64_t count)
{
    if (!reserve_slot(words))
        return false;
    const char *text = words->text + words->text_used;
    struct slot *slot = find(words, words->hash, text, words->open);
    if (!slot->count) {
        slot->hash = words->hash;
        slot->start = words->text_used;
        slot->length = words->open;
        words->text_used += words->open;
        words->distinct++;
    }
    slot->count += count;
    words->total += count;
    words->open = 0;
    words->hash = HASH_SEED;
    return true;
}

static inline void grow_word(struct words *words, unsigned char byte)
{
    words->text[words->text_used + words->open++] = (char)byte;
    words->hash = HASH_STEP(words->hash, byte);
}

bool words_read(struct words *words, const unsigned char *bytes, size_t size)
{
    if (!reserve_text(words, size))
        return false;
    for (size_t at = 0; at < size; at++) {
        unsigned char byte = words_fold(bytes[at]);
        if (byte)
            grow_word(words, byte);
        else if (words->open && !close_word(words, 1))
            return false;
    }
    return true;
}

bool words_end(struct words *words)
{
    return !words->open || close_word(words, 1);
}

bool words_add(struct words *words, const char *text, size_t length, uint64_t count)
{
    if (!reserve_text(words, length))
        return false;
    for (size_t at = 0; at < length; at++)
        grow_word(words, (unsigned char)text[at]);
    return close_word(words, count);
}

bool words_merge(struct words *words, const struct words *from)
{
    for (size_t at = 0; at < from->capacity; at++) {
        const struct slot *slot = &from->slots[at];
        if (slot->count && !words_add(words, from->text + slot->start, slot->length, slot->count))
            return false;
    }
    return true;
}

size_t words_distinct(const struct words *words)
{
    return words->distinct;
}

uint64_t words_total(const struct words *words)
{
    return words->total;
}

bool words_equal(const struct words *left, const struct words *right)
{
    if (left->distinct != right->distinct || left->total != right->total)
        return false;
    for (size_t at = 0; at < left->capacity; at++) {
        const struct slot *slot = &left->slots[at];
        if (slot->count
            && find(right, slot->hash, left->text + slot->start, slot->length)->count != slot->count)
            return false;
    }
    return true;
}

static int commonest_first(const void *left, const void *right)
{
    const struct word *a = left, *b = right;
    if (a->count != b->count)
        return a->count < b->count ? 1 : -1;
    int order = memcmp(a->text, b->text, a->length < b->length ? a->length : b->length);
    return order ? order : (a->length > b->length) - (a->length < b->length);
}

size_t words_top(const struct words *words, size_t most, struct word **top)
{
    size_t count = 0;
    *top = malloc((words->distinct + 1) * sizeof **top);
    if (!*top)
        return 0;
    for (size_t at = 0; at < words->capacity; at++) {
        const struct slot *slot = &words->slots[at];
        if (slot->count)
            (*top)[count++] = (struct word){ words->text + slot->start, slot->length, slot->count };
    }
    qsort(*top, count, sizeof **top, commonest_first);
    return count < most ? count : most;
}
