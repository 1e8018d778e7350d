package dev.aerie.jobs;

import org.apache.hadoop.conf.Configuration;
import org.apache.spark.SparkConf;
import org.apache.spark.deploy.SparkHadoopUtil;

/**
 * Hadoop's configuration where there is no Spark session, the same that a session would have: the cluster's files on the class
 * path, {@code spark.hadoop.*} of spark-submit's options and files, and the keys of AWS's environment variables.
 */
final class HadoopConf {

    private HadoopConf() {}

    static Configuration submitted() {
        return SparkHadoopUtil.get().newConfiguration(new SparkConf());
    }
}
