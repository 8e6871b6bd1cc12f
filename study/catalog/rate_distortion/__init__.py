"""The study rate_distortion: do a fixed and a learned decoder variance trace the same rate-distortion curve as β varies?"""
