package dev.aerie.store;

import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The files beside the shards that a generation of a store reads.
 *
 * @param tokens folders of the tables of tokenised conversations, which together hold each conversation once
 * @param quarantine folders of the tables of what was refused
 * @param vocabulary the file of the token frequencies of all conversations
 * @param forgotten folders of the tables of content hashes of conversations that were removed for good; an append passes these over
 */
public record StoreTables(List<String> tokens, List<String> quarantine, String vocabulary, List<String> forgotten) {

    // The names become parts of paths, and the file that they are read from may come from elsewhere.
    private static final Pattern NAME = Pattern.compile("(generations/\\d{5,9}/)?[a-z]+(-[0-9a-f]+)?(\\.json)?");

    /** What prepare writes: the first generation's. */
    public static final StoreTables FIRST = new StoreTables(
            List.of(StoreLayout.TOKENS), List.of(StoreLayout.QUARANTINE), StoreLayout.VOCABULARY, List.of());

    public StoreTables {
        tokens = List.copyOf(StoreJson.present(tokens, "tokens"));
        quarantine = List.copyOf(StoreJson.present(quarantine, "quarantine"));
        StoreJson.present(vocabulary, "vocabulary");
        forgotten = List.copyOf(StoreJson.present(forgotten, "forgotten"));
        tokens.forEach(StoreTables::requireName);
        quarantine.forEach(StoreTables::requireName);
        requireName(vocabulary);
        forgotten.forEach(StoreTables::requireName);
    }

    private static void requireName(String name) {
        if (!NAME.matcher(name).matches()) {
            throw new IllegalArgumentException("Invalid table: " + name + " (expected a name in the store's folder)");
        }
    }

    /** Returns all of them. */
    List<String> all() {
        return Stream.of(tokens, quarantine, List.of(vocabulary), forgotten).flatMap(List::stream).toList();
    }
}
