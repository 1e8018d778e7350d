package dev.aerie.prepare;

import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * The number of records by outcome. Every record is a duplicate, quarantined, trained on, or held out.
 *
 * @param read records in the inputs, up to their limits
 * @param duplicates equal, turn by turn, to an earlier one
 * @param quarantined by reason, most frequent first; numbers, which differ between records, are n
 * @param train conversations to train on
 * @param heldOut conversations that are held out
 * @param tokens of both
 * @param supervised tokens of both that carry loss
 * @param unread names of fields that have no effect, each with the number of distinct conversations that have it
 * @param lost files of which a part was lost, each with the reason; the first {@link #LOST_TOLD}
 * @param passedOver files and folders of the inputs that are skipped because of their names
 * @param stored conversations that the store has already, or had and has forgotten; 0 where it is made
 */
public record IngestReport(
        long read, long duplicates, Map<String, Long> quarantined, long train, long heldOut, long tokens, long supervised,
        Map<String, Long> unread, List<String> lost, int passedOver, long stored) {

    /** Files that are told. */
    static final int LOST_TOLD = 20;

    IngestReport(long read, long duplicates, Map<String, Long> quarantined, long train, long heldOut, long tokens,
            long supervised, Map<String, Long> unread, List<String> lost, int passedOver) {
        this(read, duplicates, quarantined, train, heldOut, tokens, supervised, unread, lost, passedOver, 0);
    }

    /** Returns the same of an append; what is stored was counted as a duplicate. */
    IngestReport withStored(long count) {
        return new IngestReport(read, duplicates - count, quarantined, train, heldOut, tokens, supervised, unread, lost,
                passedOver, count);
    }

    /** Returns the same for programs, with the names of the components. */
    ObjectNode toJson() {
        return JsonMapper.builder().propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE).build().valueToTree(this);
    }

    /** As a person reads it, one line and one for each reason. */
    @Override
    public String toString() {
        StringBuilder out = new StringBuilder(String.format(Locale.ROOT,
                "%,d records: %,d to train on, %,d held out, %,d duplicates, %,d quarantined; %,d tokens, %.1f %% supervised",
                read, train, heldOut, duplicates, quarantined.values().stream().mapToLong(Long::longValue).sum(), tokens,
                100.0 * supervised / Math.max(1, tokens)));
        if (stored > 0) {
            out.append(String.format(Locale.ROOT, "%n  in the store already: %,d", stored));
        }
        quarantined.forEach((reason, n) -> out.append(String.format(Locale.ROOT, "%n  quarantined %,d: %s", n, reason)));
        unread.forEach((field, n) -> out.append(String.format(Locale.ROOT, "%n  read by nothing: %s, in %,d", field, n)));
        lost.forEach(file -> out.append(String.format(Locale.ROOT, "%n  lost in %s", file)));
        if (passedOver > 0) {
            out.append(String.format(Locale.ROOT, "%n  passed over %,d files or folders whose names begin with _ or .",
                    passedOver));
        }
        return out.toString();
    }
}
