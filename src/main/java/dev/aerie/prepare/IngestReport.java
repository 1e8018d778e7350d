package dev.aerie.prepare;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.util.Locale;
import java.util.Map;

/**
 * What became of the records that were read. Every record is one of: duplicate, quarantined, trained on, held out.
 *
 * @param read records in the inputs, up to their limits
 * @param duplicates equal, turn by turn, to an earlier one
 * @param quarantined by reason, most frequent first; what differs between records (numbers, names) is cut off the reason
 * @param train conversations to train on
 * @param heldOut conversations set aside
 * @param tokens of both
 * @param supervised tokens of both that carry loss
 * @param unread names of fields that have no effect, each with the number of distinct conversations that have it
 */
public record IngestReport(
        long read, long duplicates, Map<String, Long> quarantined, long train, long heldOut, long tokens, long supervised,
        Map<String, Long> unread) {

    /** The same for programs, with the names of the components. */
    byte[] toJson() {
        try {
            return JsonMapper.builder().propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE).build()
                    .writerWithDefaultPrettyPrinter().writeValueAsBytes(this);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }

    /** As a person reads it, one line and one for each reason. */
    @Override
    public String toString() {
        StringBuilder out = new StringBuilder(String.format(Locale.ROOT,
                "%,d records: %,d to train on, %,d held out, %,d duplicates, %,d quarantined; %,d tokens, %.1f %% supervised",
                read, train, heldOut, duplicates, quarantined.values().stream().mapToLong(Long::longValue).sum(), tokens,
                100.0 * supervised / Math.max(1, tokens)));
        quarantined.forEach((reason, n) -> out.append(String.format(Locale.ROOT, "%n  quarantined %,d: %s", n, reason)));
        unread.forEach((field, n) -> out.append(String.format(Locale.ROOT, "%n  read by nothing: %s, in %,d", field, n)));
        return out.toString();
    }
}
