package dev.aerie.store;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The content of {@code store.json}: what the store is made from and how it is written. Fixed before the first shard.
 *
 * @param formatVersion {@link #FORMAT_VERSION}
 * @param fingerprints digests of what it is made from
 * @param hiddenSize width of one state of the target
 * @param captureLayers decoder layers, 0-based, whose outputs are stored side by side, low to high
 * @param teacherRows tokens whose state after the final norm is stored
 * @param codec encoding of the states
 * @param planned size of the store according to the plan
 * @param date on which conversations were rendered, for templates that write the date; null for others
 */
public record StoreSettings(
        int formatVersion,
        Fingerprints fingerprints,
        int hiddenSize,
        List<Integer> captureLayers,
        TeacherRows teacherRows,
        Codec codec,
        PlannedCounts planned,
        String date) {

    /** Incremented whenever older code could misread a file of this version. */
    public static final int FORMAT_VERSION = 1;

    public StoreSettings {
        StoreJson.present(fingerprints, "fingerprints");
        StoreJson.present(teacherRows, "teacher_rows");
        StoreJson.present(codec, "codec");
        StoreJson.present(planned, "planned");
        captureLayers = List.copyOf(StoreJson.present(captureLayers, "capture_layers"));
        if (formatVersion != FORMAT_VERSION) {
            throw new IllegalArgumentException("Invalid format_version: " + formatVersion + " (expected " + FORMAT_VERSION + ")");
        }
        if (hiddenSize < 1) {
            throw new IllegalArgumentException("Invalid hidden_size: " + hiddenSize + " (expected at least 1)");
        }
        if (captureLayers.isEmpty() || captureLayers.stream().anyMatch(l -> l < 0)) {
            throw new IllegalArgumentException("Invalid capture_layers: " + captureLayers + " (expected layers from 0)");
        }
    }

    /** Creates settings in this version's format. */
    public static StoreSettings of(
            Fingerprints fingerprints,
            int hiddenSize,
            List<Integer> captureLayers,
            TeacherRows teacherRows,
            Codec codec,
            PlannedCounts planned) {
        return new StoreSettings(FORMAT_VERSION, fingerprints, hiddenSize, captureLayers, teacherRows, codec, planned, null);
    }

    /** Returns the same settings with a date of rendering. */
    public StoreSettings dated(String day) {
        return new StoreSettings(formatVersion, fingerprints, hiddenSize, captureLayers, teacherRows, codec, planned, day);
    }

    /** Returns the width of {@code aux}: captured layers × hidden size. */
    public int auxWidth() {
        return captureLayers.size() * hiddenSize;
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
     * @param field as in store.json, such as {@code fingerprints.target} or {@code capture_layers}
     * @throws InvalidStoreException naming the field, its value and the expected one
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
        if (!teacherRows.covers(needed)) {
            requireEqual("teacher_rows", teacherRows.text(), needed.text(), store);
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
