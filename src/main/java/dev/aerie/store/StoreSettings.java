package dev.aerie.store;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The content of {@code store.json}: what the store is made from and how it is written. Fixed before the first shard.
 *
 * @param formatVersion {@link #FORMAT_VERSION}
 * @param fingerprints what it was made from
 * @param states which states it holds and how they are written
 * @param planned how much the plan puts in
 * @param date on which the conversations were rendered, for templates that write the date; null for others
 * @param capture the settings that decide the numbers of states, by their names; they are part of the fingerprint of settings, and
 *     here to be named
 */
public record StoreSettings(
        int formatVersion,
        Fingerprints fingerprints,
        StateLayout states,
        PlannedCounts planned,
        String date,
        SortedMap<String, String> capture) {

    /** Raised whenever a file of this version could be misread by older code. */
    public static final int FORMAT_VERSION = 2;

    public StoreSettings {
        StoreJson.present(fingerprints, "fingerprints");
        StoreJson.present(states, "states");
        StoreJson.present(planned, "planned");
        capture = Collections.unmodifiableSortedMap(new TreeMap<>(StoreJson.present(capture, "capture")));
        if (formatVersion != FORMAT_VERSION) {
            throw new IllegalArgumentException("Invalid format_version: " + formatVersion + " (expected " + FORMAT_VERSION + ")");
        }
    }

    /** Settings in this version's format. */
    public static StoreSettings of(Fingerprints fingerprints, StateLayout states, PlannedCounts planned) {
        return new StoreSettings(FORMAT_VERSION, fingerprints, states, planned, null, new TreeMap<>());
    }

    /** Returns the same settings with a date of rendering. */
    public StoreSettings dated(String day) {
        return new StoreSettings(formatVersion, fingerprints, states, planned, day, capture);
    }

    /** Returns the same settings with those that decide the numbers of states. */
    public StoreSettings capturedBy(SortedMap<String, String> values) {
        return new StoreSettings(formatVersion, fingerprints, states, planned, date, values);
    }

    /** Returns the same settings with other states, as a conversion makes them. */
    StoreSettings with(StateLayout converted) {
        return new StoreSettings(formatVersion, fingerprints, converted, planned, date, capture);
    }

    /** Returns the same settings of more or fewer conversations. */
    public StoreSettings with(String inputs, String settings, PlannedCounts counts) {
        return new StoreSettings(formatVersion, new Fingerprints(fingerprints.target(), fingerprints.tokenizer(),
                fingerprints.template(), inputs, settings), states, counts, date, capture);
    }

    /**
     * Refuses a store that was captured with another value of a setting, naming it.
     *
     * @param expected by their names
     */
    public void requireCapturedBy(SortedMap<String, String> expected, String store) {
        expected.forEach((name, value) -> requireEqual(name, String.valueOf(capture.get(name)), value, store));
    }

    /**
     * Refuses a store that cannot be continued with another run's settings.
     *
     * @param store the store's name in messages
     * @throws InvalidStoreException naming the first field that differs, its value and the expected one
     */
    public void requireSame(StoreSettings expected, String store) {
        Map<String, String> found = fields(StoreJson.tree(this));
        Map<String, String> wanted = fields(StoreJson.tree(expected));
        wanted.forEach((field, value) -> requireEqual(field, found.get(field), value, store));
    }

    /**
     * Refuses a store if a field differs from what a reader needs.
     *
     * @param field as store.json spells it, such as {@code fingerprints.target} or {@code states.capture_layers}
     * @throws InvalidStoreException naming the field, what it is and what was expected
     */
    public void require(String field, Object expected, String store) {
        String found = fields(StoreJson.tree(this)).get(field);
        if (found == null) {
            throw new IllegalArgumentException("Invalid field: " + field + " (expected one of store.json)");
        }
        JsonNode wanted = StoreJson.tree(expected);
        requireEqual(field, found, wanted.isTextual() ? wanted.textValue() : wanted.toString(), store);
    }

    /** @throws InvalidStoreException if the store lacks rows that a reader needs */
    public void requireTeacherRows(TeacherRows needed, String store) {
        if (!states.teacherRows().covers(needed)) {
            requireEqual("states.teacher_rows", states.teacherRows().text(), needed.text(), store);
        }
    }

    private static void requireEqual(String field, String found, String expected, String store) {
        if (!expected.equals(found)) {
            throw new InvalidStoreException(
                    "Invalid store " + store + ": " + field + " is " + found + " (expected " + expected + ")");
        }
    }

    private static Map<String, String> fields(JsonNode tree) {
        Map<String, String> out = new LinkedHashMap<>();
        tree.properties().forEach(e -> {
            if (e.getValue().isObject()) {
                fields(e.getValue()).forEach((k, v) -> out.put(e.getKey() + "." + k, v));
            } else {
                out.put(e.getKey(), e.getValue().isTextual() ? e.getValue().textValue() : e.getValue().toString());
            }
        });
        return out;
    }
}
