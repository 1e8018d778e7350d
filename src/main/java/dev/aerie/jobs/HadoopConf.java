package dev.aerie.jobs;

import org.apache.hadoop.conf.Configuration;
import org.apache.spark.SparkConf;
import org.apache.spark.deploy.SparkHadoopUtil;

/**
 * Hadoop's configuration without a Spark session, equal to that of a session: the cluster's files on the class path, {@code
 * spark.hadoop.*} of spark-submit's options and files, and the keys of AWS's environment variables.
 */
final class HadoopConf {

    private HadoopConf() {}

    static Configuration submitted() {
        return SparkHadoopUtil.get().newConfiguration(new SparkConf());
    }
}
