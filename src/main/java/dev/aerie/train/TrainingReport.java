package dev.aerie.train;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.aerie.gang.ReportCodec;
import java.io.IOException;
import java.io.UncheckedIOException;

/** A report from a rank of a training to the driver. */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, include = JsonTypeInfo.As.WRAPPER_OBJECT)
@JsonSubTypes({
    @JsonSubTypes.Type(value = TrainingReport.StepDone.class, name = "step_done"),
    @JsonSubTypes.Type(value = TrainingReport.Note.class, name = "note")
})
sealed interface TrainingReport {

    /** A step is done, with its checkpoint if it writes one. */
    record StepDone(StepMetrics metrics) implements TrainingReport {}

    /** A message for the user. */
    record Note(String text) implements TrainingReport {}

    /** Encodes reports as JSON. */
    final class Json implements ReportCodec<TrainingReport> {

        private static final long serialVersionUID = 1;
        private static final JsonMapper JSON =
                JsonMapper.builder().enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES).build();

        @Override
        public byte[] encode(TrainingReport report) {
            try {
                return JSON.writeValueAsBytes(report);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        @Override
        public TrainingReport decode(byte[] bytes) {
            try {
                return JSON.readValue(bytes, TrainingReport.class);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
