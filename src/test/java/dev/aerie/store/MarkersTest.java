package dev.aerie.store;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Locale;
import org.junit.jupiter.api.Test;

class MarkersTest {

    /** Markers are found again by their digits, on another host too. */
    @Test
    void namesHaveTheSameDigitsInEveryLanguage() {
        Locale before = Locale.getDefault();
        try {
            Locale.setDefault(Locale.forLanguageTag("ar-EG"));
            assertEquals("٤٢", String.format("%d", 42), "the language under test has other digits");
            assertEquals("_committed/shard-00042.json", Markers.path(42));
        } finally {
            Locale.setDefault(before);
        }
    }
}
