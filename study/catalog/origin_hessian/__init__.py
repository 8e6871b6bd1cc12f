"""The study origin_hessian: has a linear VAE collapsed if and only if the origin is a minimum?"""
